"""The command line: one file a command, with its arguments, its help and what it prints."""
