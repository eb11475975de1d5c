"""Converters of data sets to COCO format."""
