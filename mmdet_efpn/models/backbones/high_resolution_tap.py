"""A stride-2 feature in front of the outputs of any backbone."""

import torch
from mmcv.cnn import ConvModule
from mmdet.models.backbones import (
    CSPDarknet,
    CSPNeXt,
    Darknet,
    EfficientNet,
    HRNet,
    MobileNetV2,
    RegNet,
    ResNet,
)
from mmdet.registry import MODELS
from mmengine.model import BaseModule, Sequential
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.arguments import check_positive_integer
from ..utils.image_channels import image_channels
from ..utils.nested_config import check_config
from ..utils.plain_names import keep_plain_names

# The submodule that reads the stride-2 feature and takes it to stride 4, or begins the stage that
# does. The first class that fits counts; Res2Net, ResNeSt and others are ResNets.
STRIDE_TWO_READERS = {
    RegNet: 'layer1',
    ResNet: 'maxpool',
    HRNet: 'conv2',
    CSPDarknet: 'stage1',
    CSPNeXt: 'stage1',
    Darknet: 'conv_res_block2',
    EfficientNet: 'layers.2',
    MobileNetV2: 'layer2',
}


@MODELS.register_module()
@known_arguments_only
class HighResolutionTap(BaseModule):
    """Any backbone with a stride-2 feature C2' in front: ``(C2', *the backbone's outputs)``.

    C2' is the wrapped backbone's own stride-2 feature, where it has one: the ResNet family (ResNet,
    ResNeXt, Res2Net, ResNeSt, RegNet), HRNet, Darknet, CSPDarknet, CSPNeXt, EfficientNet, MobileNetV2
    and such models of timm (``TimmBackbone``). Where it has none (Swin, PVT, ConvNeXt), a small stem of
    two 3x3 convs makes C2' from the image.

    The wrapped backbone keeps its state-dict names, ``init_cfg``, frozen stages and train mode: weights
    of the plain backbone load unchanged.

    Args:
        backbone (dict): Config of the wrapped backbone. Its outputs begin at stride 4 or coarser.
        tap (str, optional): Name of the wrapped backbone's submodule that reads the stride-2 feature,
            once in a pass: C2' is its input. Default: as the backbone's class says, else the stem.
        stem_channels (int): Width of C2' where a stem makes it. Default 64.
        in_channels (int, optional): Channels of the image. Default: as the wrapped backbone's
            ``in_channels`` or ``in_chans`` says, else 3.
        norm_cfg, act_cfg (dict): Norm and activation of the stem's convs. Default: batch norm, ReLU.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config, for example
            ``Pretrained`` for stem and backbone together. The stem's convs start as ``ConvModule``
            makes them (Kaiming), the wrapped backbone as its own ``init_cfg`` says.

    Raises:
        UserError: a ``tap`` that the backbone does not have or that is not at stride 2, or outputs
            whose sizes are not octaves of the image's.

    Example:
        >>> import torch
        >>> tap = HighResolutionTap(dict(type='ResNet', depth=18))
        >>> tap.c2_prime_channels
        64
        >>> [tuple(f.shape[1:]) for f in tap(torch.rand(1, 3, 64, 64))]
        [(64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]
    """

    def __init__(
        self,
        backbone: dict,
        tap: str | None = None,
        stem_channels: int = 64,
        in_channels: int | None = None,
        norm_cfg: dict | None = dict(type='BN'),  # noqa: B006  (mmcv only reads it)
        act_cfg: dict | None = dict(type='ReLU'),  # noqa: B006
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        check_config('backbone.backbone', backbone, "dict(type='ResNet', depth=50)")
        self.backbone = MODELS.build(backbone)
        self.in_channels = image_channels(backbone) if in_channels is None else in_channels
        check_positive_integer('HighResolutionTap', 'stem_channels', stem_channels)
        self.tap = tap or self._known_reader(self.backbone)
        self.stride_two_stem = None
        if tap is not None and tap not in dict(self.backbone.named_modules()):
            raise UserError(
                f'backbone.tap {tap!r} is no submodule of {type(self.backbone).__name__}, which has '
                f'{[name for name, _ in self.backbone.named_children()]} and theirs'
            )
        if self.tap is None and getattr(self.backbone, 'c2_prime_channels', None) is None:
            cfgs = dict(norm_cfg=norm_cfg, act_cfg=act_cfg)
            self.stride_two_stem = Sequential(
                ConvModule(self.in_channels, stem_channels, 3, stride=2, padding=1, **cfgs),
                ConvModule(stem_channels, stem_channels, 3, padding=1, **cfgs),
            )
        keep_plain_names(self, inner='backbone', own='stride_two_stem')

    @staticmethod
    def _known_reader(backbone: nn.Module) -> str | None:
        """Name of the submodule that reads the stride-2 feature, or ``None``."""
        readers = (name for kind, name in STRIDE_TWO_READERS.items() if isinstance(backbone, kind))
        return next(readers, None)

    @property
    def c2_prime_channels(self) -> int:
        """Width of C2': what a neck's ``c2_prime_channels`` must be."""
        if self.stride_two_stem is not None:
            return self.stride_two_stem[-1].out_channels
        if self.tap is None:
            return self.backbone.c2_prime_channels
        image = next(self.parameters()).new_zeros(1, self.in_channels, 64, 64)
        modes = {module: module.training for module in self.modules()}
        for module in modes:
            module.training = False  # train() would change what a backbone has frozen
        try:
            with torch.no_grad():
                return self._tapped(image)[0].shape[1]
        finally:
            for module, training in modes.items():
                module.training = training

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives C2' and the wrapped backbone's outputs.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: C2', (B, c2_prime_channels, H / 2, W / 2), then the backbone's outputs.
            Sizes are H and W over the stride, each half rounded up.
        """
        try:
            c2_prime, stages = self._features(x)
        except (RuntimeError, AssertionError) as error:
            out_of_memory = isinstance(error, torch.cuda.OutOfMemoryError)
            if out_of_memory or not any(side % 32 for side in x.shape[2:]):
                raise
            raise UserError(
                f'{type(self.backbone).__name__} cannot take an image of {tuple(x.shape[2:])}: {error}; '
                'pad images by model.data_preprocessor.pad_size_divisor=32'
            ) from error
        self._check_sizes(x, c2_prime, stages)
        return (c2_prime, *stages)

    def forward_stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives the wrapped backbone's outputs alone: what a pyramid without P2' needs.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: The outputs after C2' in :meth:`forward`.
        """
        return tuple(self.backbone(x))

    def _features(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """C2' and the backbone's outputs."""
        if self.stride_two_stem is not None:
            return self.stride_two_stem(x), self.backbone(x)
        if self.tap is None:
            return self.backbone.forward_with_stride_two(x)
        return self._tapped(x)

    def _tapped(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """The input of the submodule ``tap``, and the backbone's outputs."""
        seen = []
        hook = self.backbone.get_submodule(self.tap).register_forward_pre_hook(
            lambda module, args: seen.append((args[0], torch.is_grad_enabled()))
        )
        try:
            stages = self.backbone(x)
        finally:
            hook.remove()
        if len(seen) != 1:
            raise UserError(
                f'backbone.tap {self.tap!r} runs {len(seen)} times in a pass of '
                f'{type(self.backbone).__name__}; name a submodule that runs once'
            )
        feature, with_grad = seen[0]
        if with_grad != torch.is_grad_enabled():
            raise UserError(
                f'backbone.tap {self.tap!r} lies inside a part of {type(self.backbone).__name__} that '
                "runs under activation checkpointing, where no gradient reaches C2'; name the "
                'checkpointed block itself, or set with_cp=False'
            )
        return feature, stages

    def _check_sizes(self, x: Tensor, c2_prime: Tensor, stages: tuple[Tensor, ...]) -> None:
        """Raises an error for sizes that no stride of the form 2, 4, 8, ... explains."""
        octave, octaves = tuple(x.shape[2:]), []
        for _ in range(8):
            octave = tuple((side + 1) // 2 for side in octave)
            octaves.append(octave)
        sizes = [tuple(stage.shape[2:]) for stage in stages]
        if tuple(c2_prime.shape[2:]) != octaves[0]:
            raise UserError(
                f'backbone.tap {self.tap!r} gives a feature of {tuple(c2_prime.shape[2:])} for an image '
                f'of {tuple(x.shape[2:])}; at stride 2 it would be {octaves[0]}'
            )
        if not set(sizes) <= set(octaves[1:]):
            raise UserError(
                f'for an image of {tuple(x.shape[2:])}, {type(self.backbone).__name__} gives sizes '
                f"{sizes}, but a pyramid over C2' needs some of {octaves[1:6]}: strides from 4 on, "
                'each half rounded up. Leave stride 2 out of backbone.backbone.out_indices, and pad '
                'images by model.data_preprocessor.pad_size_divisor=32 where the backbone rounds down'
            )
