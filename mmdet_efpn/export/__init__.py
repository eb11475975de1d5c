"""Models for other runtimes: ONNX, torch.export, TorchScript."""

from .detector import ExportedDetector
from .formats import SUFFIXES, write_exported
from .model import export_model
from .support import require_exportable

__all__ = ['SUFFIXES', 'ExportedDetector', 'export_model', 'require_exportable', 'write_exported']
