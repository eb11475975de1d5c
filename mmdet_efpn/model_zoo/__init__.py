"""Trained detectors that come with the package, and files and addresses with a hash to check."""

from .registry import ZooModel, resolve_model, zoo_models

__all__ = ['ZooModel', 'resolve_model', 'zoo_models']
