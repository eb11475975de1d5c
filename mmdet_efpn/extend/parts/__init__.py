"""The parts of a detector, one a file: each rewritten for the extended pyramid."""
