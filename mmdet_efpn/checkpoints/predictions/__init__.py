"""Files of predictions: MMDetection's pickles, and JSON and npz that any program reads."""

from .files import read_predictions, write_predictions
from .open_formats import check_suffix

__all__ = ['check_suffix', 'read_predictions', 'write_predictions']
