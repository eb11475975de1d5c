"""Checks and names that the models share."""
