"""Models for other runtimes: ONNX, torch.export, TorchScript."""

from .detector import ExportedDetector
from .support import require_exportable

__all__ = ['ExportedDetector', 'require_exportable']
