"""Readers of the data sets of small-object detection, as they were published."""
