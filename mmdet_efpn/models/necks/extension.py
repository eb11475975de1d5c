"""The part that adds level P2' at stride 2 to a feature pyramid."""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..layers.execution import check_compile, run
from ..layers.sums import add_upsampled
from ..utils.arguments import check_positive_integer
from . import extension_convs as convs
from .extension_checks import (
    build_ftt,
    check_bare,
    check_forms,
    check_no_batch_norm,
    check_output_conv,
    check_with_cp,
    is_bare,
    is_local,
)
from .on_demand import (
    DEFAULT_TILE,
    DeferredLevel,
    DeferredMap,
    NarrowLevel,
    RoILevel,
    check_tile,
    computing_layers,
)


@known_arguments_only
class PyramidExtension(BaseModule):
    """Makes P2' from C2', a stride-4 and a stride-8 pyramid feature.

    ``P3' = FTT(p2, p3)``, then ``P2' = conv3x3(conv1x1(C2') + nearest-upsampled P3')``. No conv has a
    bias, as in the authors' released model; the detectron2 implementation has the sum itself, with a
    bias. Two options make it cheaper: a narrower sum, to which one more 1x1 conv brings P3' before it is
    upsampled, and a depthwise 3x3 and a 1x1 conv in the place of the 3x3 conv. A third lets P3' begin at
    a small scale. A fourth makes P2' after pooling, on the cells of RoIs alone; a fifth only its last
    1x1 conv, with the same result.

    Args:
        c2_prime_channels (int, optional): Width of C2', the stride-2 backbone feature. ``None``: there
            is no C2' and no P2'; the two convs are not built, and only P3' is made.
        out_channels (int): Width of the pyramid's levels.
        ftt (dict): Config of the FTT module; its ``channels`` are filled in.
        channels (int, optional): Width of the sum of C2' and P3'. Default: ``out_channels``.
        separable (bool): A depthwise 3x3 conv and a 1x1 conv make P2' of the sum. Default False: one 3x3
            conv, as in the released model.
        p3_prime_scale (float, optional): Start of a learnt factor for each channel of P3' in the sum, as
            LayerScale has it. At the start P3' is two to four times as large as C2' after its 1x1
            conv; with a small factor, such as 0.1, C2' counts from the start. Default: no factor.
        on_rois (bool): Make P2' on the bins of RoIs instead of as a map, in training and at test time;
            see ``RoILevel``. For two-stage detectors with ``ExtendedRoIHead`` whose RPN leaves P2' out.
            Weights are as without. Default False.
        widen_on_rois (bool): With ``separable``, run the last 1x1 conv on the bins of RoIs: the same
            result to rounding, without the wide map at stride 2; see ``NarrowLevel``. For two-stage
            detectors with ``ExtendedRoIHead``. ``on_rois`` runs all convs there. Default False.
        output_conv (bool): Make P2' of the sum by a conv. ``False``: the sum is P2', as in the
            detectron2 implementation; ``separable``, ``on_rois`` and another width need the conv.
            Default True.
        lateral_bias (bool): A bias in the 1x1 conv of C2'; not with ``on_rois``. Default False.
        sparse (bool): Defer P2' in evaluation mode without gradients, to be computed on the tiles that
            RoIs touch; see ``DeferredLevel``. A deferred C2' defers it in any case. Default False.
        sparse_tile (int): Side of a tile in cells of P2'. Default 64.
        with_cp (bool): Activation checkpointing: a training pass keeps the inputs, and computes the maps
            of the extension again in the backward pass. Default False.
        compile (bool | dict): Compile what makes the maps by ``torch.compile``, for sizes that change; a
            dict holds its arguments. Tiles and RoIs run as without. Default False.
        conv_cfg (dict, optional): Conv layer of the convs at stride 2. Default: plain conv. A separable
            conv is plain in any case: weight standardisation would take from a depthwise kernel of nine
            weights all that is constant around a cell.
        norm_cfg (dict, optional): Norm layer after each of them. Default: none.
        act_cfg (dict, optional): Activation after each of them. Default: none.
        no_norm_on_lateral (bool): Leave the norm out after the 1x1 convs before the sum. Default False.

    Attributes:
        halo (int, optional): How many cells around a cell of P2' its value reads of C2' and of the
            upsampled P3' at test time; ``None`` where conv or norm layers have no such bound.

    Raises:
        UserError: an ``ftt`` that is no FTT's config or does not follow the contract (``BaseFTT``),
            widths that do not fit, a factor that is not positive, or ``on_rois`` without C2',
            with ``sparse`` or with batch norms; at a forward, ``on_rois`` with a deferred C2'.

    Source: arXiv:2003.07021, section 3.1, equation 1; LayerScale: arXiv:2103.17239, section 2.
    """

    halo: int | None = None

    def __init__(
        self,
        c2_prime_channels: int | None,
        out_channels: int,
        ftt: dict,
        channels: int | None = None,
        separable: bool = False,
        p3_prime_scale: float | None = None,
        on_rois: bool = False,
        widen_on_rois: bool = False,
        output_conv: bool = True,
        lateral_bias: bool = False,
        sparse: bool = False,
        sparse_tile: int = DEFAULT_TILE,
        with_cp: bool = False,
        compile: bool | dict = False,
        conv_cfg=None,
        norm_cfg=None,
        act_cfg=None,
        no_norm_on_lateral: bool = False,
    ) -> None:
        super().__init__()
        self.ftt = build_ftt(ftt, out_channels)
        self.out_channels = out_channels
        self.on_rois, self.widen_on_rois = on_rois, widen_on_rois and not on_rois
        self.sparse, self.sparse_tile = sparse, check_tile(sparse_tile)
        self.with_cp = with_cp
        self.compiling = check_compile(compile, 'neck.extension_cfg.compile')
        check_forms(c2_prime_channels, separable, on_rois, widen_on_rois, sparse)
        self.lateral_conv = self.narrowing_conv = self.p3_prime_scale = self.output_conv = None
        if with_cp:
            check_with_cp(self.ftt)
        if c2_prime_channels is None:
            return
        self.channels = channels = out_channels if channels is None else channels
        check_positive_integer('neck.extension_cfg', 'channels', channels)
        check_output_conv(output_conv, lateral_bias, channels, out_channels, separable, on_rois)
        common = dict(bias=False, act_cfg=act_cfg, inplace=False)
        before = dict(common, conv_cfg=conv_cfg, norm_cfg=None if no_norm_on_lateral else norm_cfg)
        self.lateral_conv = convs.lateral_conv(c2_prime_channels, channels, lateral_bias, before)
        self.narrowing_conv = convs.narrowing_conv(out_channels, channels, before)
        self.p3_prime_scale = convs.p3_prime_scale(channels, p3_prime_scale)
        after = dict(common, padding=0 if on_rois else 1, norm_cfg=norm_cfg)
        self.output_conv = convs.conv_after_sum(
            channels, out_channels, separable, output_conv, conv_cfg, after
        )
        self._check_layers(norm_cfg, act_cfg)
        if with_cp:
            check_with_cp(self)

    def _check_layers(self, norm_cfg: dict | None, act_cfg: dict | None) -> None:
        """Sets ``halo``, and raises an error for layers that cannot run on RoIs."""
        layers = [layer for conv in self._fusing_layers() for _, layer in computing_layers(conv)]
        self.halo = int(self.output_conv is not None) if is_local(layers) else None
        if self.on_rois:
            check_no_batch_norm(layers, norm_cfg)
        if self.widen_on_rois:
            check_bare(self.output_conv.pointwise_conv, norm_cfg, act_cfg)

    def init_weights(self) -> None:
        """Leaves the convs as the neck's ``init_cfg`` made them, like FPN's own convs.

        ``ConvModule`` would initialise itself once more, with another distribution. But a depthwise conv
        is initialised here: the neck's Xavier takes the map's width for its fan-out, and the signal
        would come out of it smaller by the root of half that width.
        """
        self.ftt.init_weights()
        for module in self.output_conv.modules() if self.output_conv is not None else ():
            if isinstance(module, nn.Conv2d) and module.groups > 1:
                nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)

    def forward(
        self,
        c2_prime: Tensor | DeferredMap | None,
        p2: Tensor,
        p3: Tensor,
        with_p3_prime: bool = True,
    ) -> tuple[Tensor | DeferredLevel | RoILevel | NarrowLevel | None, Tensor | None]:
        """Gives P2' and, for distillation, P3'.

        Args:
            c2_prime (Tensor, optional): (B, c2_prime_channels, 2H or 2H - 1, 2W or 2W - 1), stride 2;
                not read without ``c2_prime_channels``. A ``DeferredMap`` defers P2' too.
            p2 (Tensor): (B, out_channels, H, W), stride 4.
            p3 (Tensor): (B, out_channels, ceil(H / 2), ceil(W / 2)), stride 8.
            with_p3_prime (bool): Give P3' too. Without it, a narrower sum with C2' does without P3',
                which then is made at the sum's width alone. Default True.

        Returns:
            tuple: P2' of C2''s size (``None`` without ``c2_prime_channels``) and
            P3' of P2's size, out_channels wide (``None`` if it is not asked for). Where P2' is deferred:
            a ``DeferredLevel`` and ``None``. With ``on_rois``: a ``RoILevel`` and P3'. With
            ``widen_on_rois`` and without P3': a ``NarrowLevel``.
        """
        if self.on_rois and isinstance(c2_prime, DeferredMap):
            raise UserError(
                "neck.extension_cfg.on_rois=True pools C2', which backbone.defer_c2_prime=True defers; "
                'set one of them to False'
            )
        if (
            self.sparse
            and isinstance(c2_prime, Tensor)
            and not (self.training or torch.is_grad_enabled())
        ):
            c2_prime = DeferredMap.of(c2_prime)
        if isinstance(c2_prime, DeferredMap):
            return DeferredLevel(self, c2_prime, p2, p3, self.sparse_tile), None
        made, p3_prime = run(
            PyramidExtension._maps,
            self,
            c2_prime,
            p2,
            p3,
            with_p3_prime,
            compiling=self.compiling,
            with_cp=self.with_cp,
        )
        if self.on_rois:
            return RoILevel(self, c2_prime, made), p3_prime
        if self.widen_on_rois and not with_p3_prime:
            return NarrowLevel(self.output_conv.pointwise_conv, made), p3_prime
        return made, p3_prime

    def _maps(
        self, c2_prime: Tensor | None, p2: Tensor, p3: Tensor, with_p3_prime: bool
    ) -> tuple[Tensor | None, Tensor | None]:
        """The map that P2' is made of, or what comes nearest to it, and P3'; tensors alone."""
        if self.lateral_conv is None:
            return None, self.ftt(p2, p3)
        p3_prime = self.ftt(p2, p3) if with_p3_prime else None
        addend = self.addend(p2, p3) if p3_prime is None else self._into_sum(p3_prime)
        if self.on_rois:
            return addend, p3_prime
        if self.widen_on_rois and not with_p3_prime:
            return self.output_conv.depthwise_conv(self._sum(c2_prime, addend)), None
        return self.fuse(c2_prime, addend), p3_prime

    def addend(self, p2: Tensor, p3: Tensor) -> Tensor:
        """Gives what is upsampled and added to C2': P3' at the sum's width and scale.

        Where one plain conv narrows P3', the FTT makes the narrow map directly.

        Args:
            p2 (Tensor): (B, out_channels, H, W), stride 4.
            p3 (Tensor): (B, out_channels, ceil(H / 2), ceil(W / 2)), stride 8.

        Returns:
            Tensor: (B, channels, H, W), stride 4.
        """
        narrowing = self.narrowing_conv
        if narrowing is None or not is_bare(narrowing):
            return self._into_sum(self.ftt(p2, p3))
        weight = narrowing.conv.weight
        if self.p3_prime_scale is not None:
            weight = weight * self.p3_prime_scale.gamma[:, None, None, None]
        return self.ftt.narrowed(p2, p3, weight)

    def _into_sum(self, p3_prime: Tensor) -> Tensor:
        """P3' (B, out_channels, H, W) at the sum's width and scale, in the map's type."""
        if self.narrowing_conv is not None:
            p3_prime = self.narrowing_conv(p3_prime)
        if self.p3_prime_scale is not None:
            p3_prime = p3_prime * self.p3_prime_scale.gamma.to(p3_prime.dtype)[:, None, None]
        return p3_prime

    def fuse(self, c2_prime: Tensor, addend: Tensor) -> Tensor:
        """Gives P2' of C2' at stride 2 and what :meth:`addend` gives at stride 4.

        With ``on_rois``: gives (n, out_channels, h, w) of both pooled to (n, ., h + 2, w + 2).
        """
        fused = self._sum(c2_prime, addend)
        return fused if self.output_conv is None else self.output_conv(fused)

    def _sum(self, c2_prime: Tensor, addend: Tensor) -> Tensor:
        """What the convs after the sum read, at stride 2 or on bins."""
        lateral = self.lateral_conv(c2_prime)
        return lateral + addend if self.on_rois else add_upsampled(lateral, addend)

    def fusing_parameters(self) -> list[nn.Parameter]:
        """The parameters that :meth:`fuse` uses."""
        return [parameter for conv in self._fusing_layers() for parameter in conv.parameters()]

    def _fusing_layers(self) -> list[nn.Module]:
        return [
            layer
            for layer in (self.lateral_conv, self.narrowing_conv, self.p3_prime_scale, self.output_conv)
            if layer is not None
        ]
