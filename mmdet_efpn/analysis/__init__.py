"""Measuring what a detector costs."""
