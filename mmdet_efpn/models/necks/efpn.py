"""The extended feature pyramid network: FPN with a level P2' at stride 2 below P2."""

import itertools
from collections.abc import Sequence

import torch.nn.functional as F
from mmdet.models.necks import FPN
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..layers.sums import add_upsampled
from .extension import PyramidExtension
from .extension_options import checked_extension_cfg
from .on_demand import DEFAULT_TILE
from .pyramid import Pyramid


@MODELS.register_module()
@known_arguments_only
class EFPN(FPN):
    """FPN extended by a super-resolved level P2' at stride 2.

    P2..P5 and the extra levels are MMDetection's FPN, with its parameter names, so the weights of a
    trained FPN load. The extension reads the pyramid at stride 4 and stride 8 and C2', the backbone's
    stride-2 feature, and stands in front of the outputs: ``(P2', P2, P3, P4, P5, P6)``.

    Args:
        in_channels (Sequence[int]): Widths of the inputs, C2' first: ``[C2', C2, C3, C4, C5]``. Without
            extension (``ftt=None``) they are those of FPN, without C2'.
        out_channels (int): Width of every output level.
        num_outs (int): Number of output levels, P2' counted.
        ftt (dict, optional): Config of the feature texture transfer module, for example
            ``dict(type='FTT', hidden_channels=128)``. ``None`` turns the extension off: the neck then is
            FPN. Default ``None``.
        ftt_source (str): Which pyramid features the FTT reads. ``'on_lateral'``: the sums of the
            top-down path before their 3x3 convs, as in the authors' released model. ``'on_output'``: P2
            and P3. Default ``'on_lateral'``.
        extension_cfg (dict, optional): Further arguments of ``PyramidExtension``: ``channels`` and
            ``separable``, which make P2' cheaper, ``output_conv`` and ``lateral_bias``, for the form of
            the detectron2 implementation, and others.
        sparse (bool): Compute P2' at test time only on tiles that RoIs touch, with the same result; for
            two-stage detectors with ``ExtendedRoIHead`` whose RPN leaves P2' out. In evaluation mode and
            without gradients a ``DeferredLevel`` then stands in the place of P2'; training is as
            without. ``backbone.defer_c2_prime=True`` does the same, and C2' is deferred as well. Default
            False.
        sparse_tile (int): Side of a tile in cells of P2'. Default 64.
        start_level, end_level, add_extra_convs, relu_before_extra_convs, no_norm_on_lateral, conv_cfg,
            norm_cfg, act_cfg, upsample_cfg, init_cfg: As in FPN. Levels count from C2, which is 0.
            ``start_level`` must be 0 with the extension, which needs P2. Convs, norms and activations
            of the extension's convs at stride 2 follow ``conv_cfg``, ``norm_cfg`` and ``act_cfg``.

    Raises:
        UserError: channels, levels or input sizes that do not fit; the message names the config key.

    Source: arXiv:2003.07021, section 3.1; FPN, arXiv:1612.03144.

    Example:
        >>> import torch
        >>> neck = EFPN([64, 64, 128, 256, 512], out_channels=32, num_outs=6,
        ...             ftt=dict(type='FTT', hidden_channels=16))
        >>> sizes, widths = (32, 16, 8, 4, 2), (64, 64, 128, 256, 512)
        >>> inputs = [torch.rand(1, c, s, s) for c, s in zip(widths, sizes)]
        >>> [tuple(level.shape[1:]) for level in neck(inputs)]
        [(32, 32, 32), (32, 16, 16), (32, 8, 8), (32, 4, 4), (32, 2, 2), (32, 1, 1)]
    """

    FTT_SOURCES = ('on_lateral', 'on_output')

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int,
        num_outs: int,
        ftt: dict | None = None,
        ftt_source: str = 'on_lateral',
        extension_cfg: dict | None = None,
        sparse: bool = False,
        sparse_tile: int = DEFAULT_TILE,
        start_level: int = 0,
        **kwargs,
    ) -> None:
        in_channels = list(in_channels)
        num_extended = int(ftt is not None)
        self._check_levels(
            in_channels, num_outs, ftt, ftt_source, start_level, kwargs.get('end_level', -1)
        )
        super().__init__(
            in_channels=in_channels[num_extended:],
            out_channels=out_channels,
            num_outs=num_outs - num_extended,
            start_level=start_level,
            **kwargs,
        )
        self.ftt_source = ftt_source
        self.extension = None
        if ftt is not None:
            conv_cfgs = {k: kwargs[k] for k in ('conv_cfg', 'norm_cfg', 'act_cfg') if k in kwargs}
            self.extension = PyramidExtension(
                in_channels[0],
                out_channels,
                ftt,
                no_norm_on_lateral=self.no_norm_on_lateral,
                sparse=sparse,
                sparse_tile=sparse_tile,
                **conv_cfgs,
                **checked_extension_cfg(extension_cfg),
            )

    @classmethod
    def _check_levels(cls, in_channels, num_outs, ftt, ftt_source, start_level, end_level) -> None:
        """Raises an error for arguments that no pyramid can be built from; it names the config key."""
        if ftt_source not in cls.FTT_SOURCES:
            raise UserError(f'neck.ftt_source must be one of {cls.FTT_SOURCES}, got {ftt_source!r}')
        if not all(isinstance(c, int) and c > 0 for c in in_channels):
            raise UserError(f'neck.in_channels must be positive integers, got {in_channels}')
        extended = int(ftt is not None)
        if extended and len(in_channels) < 3:
            raise UserError(
                "neck.in_channels must begin with C2' and hold at least C2 and C3 after it, "
                f'got {in_channels}'
            )
        if extended and start_level != 0:
            raise UserError(
                "neck.start_level must be 0 with an FTT, because P2' is made from P2 and P3; "
                f'got {start_level}'
            )
        num_stages = len(in_channels) - extended
        first, last = max(extended, start_level), num_stages - 1 if end_level == -1 else end_level
        if not first <= last < num_stages:
            raise UserError(
                f'neck.end_level counts from C2 (0) and must be -1 or {first}..{num_stages - 1} for '
                f'neck.in_channels={in_channels}, got {end_level}'
            )
        at_least = extended + last - start_level + 1  # P2' and one level for each stage
        if num_outs < at_least or (last < num_stages - 1 and num_outs != at_least):
            raise UserError(
                ("neck.num_outs counts P2' as well: " if extended else 'neck.num_outs does not fit: ')
                + f'for neck.in_channels={in_channels} and neck.end_level={end_level} it must be '
                f'{at_least}{" or more" if last == num_stages - 1 else ""}, got {num_outs}'
            )

    def _check_inputs(self, inputs: Sequence[Tensor]) -> None:
        """Raises an error for other widths than ``in_channels``, or sizes that are not octaves."""
        expected = list(self.in_channels)
        if self.extension is not None:
            expected.insert(0, self.extension.lateral_conv.in_channels)
        got = [feature.shape[1] for feature in inputs]
        if got != expected:
            raise UserError(
                f'neck.in_channels is {expected}, but the backbone gives features of {got} channels'
                + (
                    "; with an FTT the first is C2', the stride-2 feature (ExtendedResNet and its kin "
                    'give it)'
                    if self.extension is not None
                    else ''
                )
            )
        if self.extension is None:
            return
        sizes = [tuple(feature.shape[2:]) for feature in inputs]
        for i, (fine, coarse) in enumerate(itertools.pairwise(sizes)):
            if coarse != tuple((side + 1) // 2 for side in fine):
                raise UserError(
                    'neck.in_channels stands for features of strides 2, 4, 8, ..., finest first, '
                    f'each half the size of the one before; the backbone gives sizes {sizes}, which '
                    f'break this at {i} and {i + 1} (see backbone.out_indices and backbone.strides)'
                )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Gives the pyramid, finest level first.

        Args:
            inputs (Sequence[Tensor]): C2', C2, C3, ...: (B, in_channels[i], H_i, W_i), each half the
                size of the one before, rounded up. Without extension no C2'.

        Returns:
            tuple[Tensor, ...]: ``num_outs`` maps of ``out_channels``: P2', P2, P3, ... Where P2' is
            deferred the first is a ``DeferredLevel``.
        """
        self._check_inputs(inputs)
        if self.extension is None:
            return super().forward(inputs)
        c2_prime, *stages = inputs
        pyramid = self.forward_pyramid(stages)
        p2_prime, _ = self.extension(c2_prime, pyramid.p2, pyramid.p3, with_p3_prime=False)
        return (p2_prime, *pyramid.levels)

    def forward_pyramid(self, stages: Sequence[Tensor]) -> Pyramid:
        """Gives the pyramid without P2', and what the extension makes P2' from.

        Args:
            stages (Sequence[Tensor]): C2, C3, ...: the inputs after C2'.

        Returns:
            Pyramid: P2, P3, ... and the two maps that the FTT reads (see ``ftt_source``).
        """
        inner = self._top_down(stages)
        levels = [conv(feature) for conv, feature in zip(self.fpn_convs, inner, strict=False)]
        levels += self._extra_levels(stages[-1], inner[-1], levels[-1])
        p2, p3 = (inner if self.ftt_source == 'on_lateral' else levels)[:2]
        return Pyramid(tuple(levels), p2, p3)

    def _top_down(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """The sums of the top-down path, inner2 first: what the 3x3 convs read."""
        inner = [conv(stage) for conv, stage in zip(self.lateral_convs, stages, strict=False)]
        for finer in range(len(inner) - 2, -1, -1):
            inner[finer] = self._plus_upsampled(inner[finer], inner[finer + 1])
        return inner

    def _plus_upsampled(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """A map plus the next coarser one, upsampled as ``upsample_cfg`` says."""
        cfg = self.upsample_cfg
        if cfg == dict(mode='nearest'):
            return add_upsampled(fine, coarse)
        if 'scale_factor' not in cfg:
            cfg = dict(size=fine.shape[2:], **cfg)
        return fine + F.interpolate(coarse, **cfg)

    def _extra_levels(self, last_stage: Tensor, last_inner: Tensor, last_level: Tensor) -> list[Tensor]:
        """The levels above the last stage's, as FPN makes them (P6 by default a strided max-pool)."""
        sources = dict(on_input=last_stage, on_lateral=last_inner, on_output=last_level)
        extra, num_stage_levels = [], len(self.lateral_convs)
        for i in range(num_stage_levels, self.num_outs):
            if not self.add_extra_convs:
                extra.append(F.max_pool2d((extra or [last_level])[-1], 1, stride=2))
            elif not extra:
                extra.append(self.fpn_convs[i](sources[self.add_extra_convs]))
            else:
                before = F.relu(extra[-1]) if self.relu_before_extra_convs else extra[-1]
                extra.append(self.fpn_convs[i](before))
        return extra
