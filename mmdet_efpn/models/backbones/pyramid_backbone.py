"""A backbone and its neck in one, for models that take no neck."""

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from ...utils.known_names import known_arguments_only
from ..utils.nested_config import check_config
from ..utils.plain_names import keep_plain_names


@MODELS.register_module()
@known_arguments_only
class PyramidBackbone(BaseModule):
    """A backbone whose outputs are its neck's levels.

    For models that take a backbone alone, such as ``Mask2FormerVideo``. The backbone keeps its
    state-dict names, so that weights of the plain model load; those of the neck begin with ``neck``.

    Args:
        backbone (dict): Config of the backbone.
        neck (dict): Config of the neck that reads its outputs.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config.

    Example:
        >>> import torch
        >>> fpn = dict(type='FPN', in_channels=[64, 128, 256, 512], out_channels=32, num_outs=4)
        >>> backbone = PyramidBackbone(dict(type='ResNet', depth=18), fpn)
        >>> [tuple(level.shape[1:]) for level in backbone(torch.rand(1, 3, 64, 64))]
        [(32, 16, 16), (32, 8, 8), (32, 4, 4), (32, 2, 2)]
    """

    def __init__(self, backbone: dict, neck: dict, init_cfg: dict | list[dict] | None = None) -> None:
        super().__init__(init_cfg)
        check_config('backbone.backbone', backbone, "dict(type='ResNet', depth=50)")
        check_config('backbone.neck', neck, "dict(type='FPN', ...)")
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck)
        keep_plain_names(self, inner='backbone', own='neck')

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives the neck's levels, (B, C, H_i, W_i), for images (B, channels, H, W)."""
        return tuple(self.neck(self.backbone(x)))
