"""Checks of annotations and images: one file for each kind of fault."""
