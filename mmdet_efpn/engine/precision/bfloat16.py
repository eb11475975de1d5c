"""Mixed precision in bfloat16, on GPUs and on the CPU."""

import functools
from contextlib import contextmanager

import torch
from mmdet.models.dense_heads.base_dense_head import BaseDenseHead
from mmdet.models.roi_heads.bbox_heads import BBoxHead
from mmdet.models.roi_heads.roi_extractors.base_roi_extractor import BaseRoIExtractor
from mmdet.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper
from torch import nn

_HALF = (torch.bfloat16, torch.float16)


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Trains with bfloat16 autocast; weights and optimiser state stay float32.

    bfloat16 has float32's range, so the loss isn't scaled, unlike in ``AmpOptimWrapper``. It has
    only 8 significant bits: box coordinates beyond 512 px would be off by up to 2 px, and mmcv's
    operators don't take it. So backbone, neck and the heads' layers compute in bfloat16; boxes,
    losses, NMS, RoI pooling and mmcv's operators in float32 (see :func:`keep_boxes_in_float32` and
    :func:`readable_inputs`).

    Args: those of ``mmengine.optim.OptimWrapper``. ``mmdet-efpn train --amp`` chooses this wrapper
    where no accelerator is found, ``--amp bfloat16`` everywhere.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._prepared = None

    @contextmanager
    def optim_context(self, model: nn.Module):
        """Opens autocast around one training step's forward pass, on the device of the model."""
        device = next(model.parameters()).device.type
        if self._prepared is not model:
            keep_boxes_in_float32(model, device)
            self._prepared = model
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def keep_boxes_in_float32(model: nn.Module, device: str = 'cpu') -> None:
    """Puts float32 borders around the parts of a detector that must not see 16 bits.

    RoI extractors and mmcv operators get float32 inputs where theirs are bfloat16; dense heads and box
    heads give float32 outputs, so that what is computed of them (boxes, losses, NMS) is float32 too.

    Args:
        model: The detector; changed for good.
        device: Type of the device that it runs on.
    """
    for module in model.modules():
        if isinstance(module, BaseRoIExtractor) or type(module).__module__.startswith('mmcv.ops'):
            module.forward = _without_autocast(module.forward, device)
        if isinstance(module, (BaseDenseHead, BBoxHead)):
            module.register_forward_hook(lambda module, inputs, outputs: _to_float32(outputs, _HALF))


def _without_autocast(forward, device):
    """``forward`` in float32, the layers inside it included, such as a deformable conv's offsets."""

    @functools.wraps(forward)
    def in_float32(*args, **kwargs):
        with torch.autocast(device, enabled=False):
            return forward(*_to_float32(args), **{k: _to_float32(v) for k, v in kwargs.items()})

    return in_float32


def _to_float32(value, dtypes=(torch.bfloat16,)):
    if isinstance(value, torch.Tensor):
        return value.float() if value.dtype in dtypes else value
    if isinstance(value, (list, tuple)):
        return type(value)(_to_float32(item, dtypes) for item in value)
    return value
