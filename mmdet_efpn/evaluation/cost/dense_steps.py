"""The part of a detector that works on whole maps, in a form whose operations can be counted."""

import copy
from typing import Any

import torch
from mmcv.ops import DeformConv2d, ModulatedDeformConv2d
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from ...utils.pretrained import without_weights
from .measure import count_macs, count_parameters
from .subject import random_samples


class ConvOfDeformConv(nn.Conv2d):
    """A plain conv in the place of a deformable one: the same multiply-adds but for the sampling.

    Args:
        deformable (nn.Module): The deformable conv, with or without the conv that makes its offsets.
    """

    def __init__(self, deformable: Any) -> None:
        super().__init__(
            deformable.in_channels,
            deformable.out_channels,
            deformable.kernel_size,
            deformable.stride,
            deformable.padding,
            deformable.dilation,
            deformable.groups,
            bias=False,
        )
        self.conv_offset: nn.Module | None = getattr(deformable, 'conv_offset', None)

    def forward(self, x: torch.Tensor, *offset_and_mask) -> torch.Tensor:
        """The conv of (B, C, H, W), and that of its offsets where it has one."""
        if self.conv_offset is not None:
            self.conv_offset(x)
        return super().forward(x)


class DenseSteps(nn.Module):
    """A detector's backbone, neck and dense head (RPN or one-stage head), or its whole transformer.

    What works on single RoIs is left out: its cost depends on the number of proposals alone.

    Args:
        detector (nn.Module): The detector; its RoI head is taken off.
        trainable (bool): Whether gradients are wanted. Default False.
    """

    def __init__(self, detector: nn.Module, trainable: bool = False) -> None:
        super().__init__()
        if not trainable:
            detector.requires_grad_(False)  # torch's counter would track gradients
        self.detector = detector
        detector._modules.pop('roi_head', None)
        _replace_deform_convs(self)

    def forward(self, images: torch.Tensor):
        """What the dense part gives for images (B, 3, H, W)."""
        detector: Any = self.detector
        if hasattr(detector, 'encoder'):
            return detector(images, random_samples(images), mode='tensor')
        levels = detector.extract_feat(images)
        if getattr(detector, 'panoptic_head', None) is not None:
            return detector.panoptic_head(levels, random_samples(images))
        head: Any = getattr(detector, 'rpn_head', None) or getattr(detector, 'bbox_head', None)
        is_learned = head is None or type(head).__name__ == 'EmbeddingRPNHead'
        return levels if is_learned else head(levels)


def _replace_deform_convs(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, (DeformConv2d, ModulatedDeformConv2d)):
            setattr(module, name, ConvOfDeformConv(child).to(child.weight.device))
        else:
            _replace_deform_convs(child)


def build_on_meta(model_cfg: dict) -> nn.Module:
    """A detector without storage for its weights, or with, where it cannot be built without."""
    init_default_scope('mmdet')
    cfg = ConfigDict(without_weights(model_cfg))
    try:
        with torch.device('meta'):
            return revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg)))
    except (NotImplementedError, RuntimeError):
        return revert_sync_batchnorm(MODELS.build(cfg))


def cost_of(
    model_cfg: dict, height: int, width: int, channels: int = 3, with_values: bool = True
) -> tuple[int, int | None, str]:
    """Parameters of a detector, multiply-adds of its dense part on one image, and a note.

    Args:
        model_cfg (dict): The detector.
        height (int): Of the image in pixels.
        width (int): Of the image in pixels.
        channels (int): Its channels.
        with_values (bool): Run a detector for real whose steps need values, which takes the time of
            a forward pass. Default True.

    Returns:
        tuple[int, int | None, str]: The multiply-adds are ``None`` where the note says why they could
        not be counted.
    """
    detector = build_on_meta(model_cfg)
    parameters, size = count_parameters(detector), (channels, height, width)
    try:
        return parameters, _macs(detector, size), ''
    except (NotImplementedError, RuntimeError) as meta_error:
        if not with_values:
            return parameters, None, f'a step needs values: {str(meta_error).splitlines()[0]}'
        try:
            cfg = ConfigDict(without_weights(model_cfg))
            return parameters, _macs(revert_sync_batchnorm(MODELS.build(cfg)), size), ''
        except (NotImplementedError, RuntimeError, ValueError) as error:
            return parameters, None, str(error)
    except ValueError as error:
        return parameters, None, str(error)


def _macs(detector: nn.Module, size: tuple[int, int, int]) -> int:
    device = next(detector.parameters()).device
    return count_macs(DenseSteps(detector), torch.zeros(1, *size, device=device))


def kept_bytes(model: nn.Module, images: torch.Tensor) -> int:
    """Bytes that a training pass keeps for its backward pass, weights left out.

    Each piece of memory counts once, however many operations keep it.

    Args:
        model (nn.Module): Called with ``images``; it may be on the meta device.
        images (torch.Tensor): (B, C, H, W).
    """
    weights = {weight.untyped_storage()._cdata for weight in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage  # held, so that no other gets its place
        return tensor

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        model(images)
    return sum(storage.nbytes() for storage in kept.values())
