"""The extension P2' over any neck that gives a stride-4 and a stride-8 level."""

from collections.abc import Sequence

from mmdet.registry import MODELS
from mmengine.model import BaseModule, initialize
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..utils.plain_names import keep_plain_names
from .extension import PyramidExtension
from .extension_options import checked_extension_cfg
from .on_demand import DEFAULT_TILE
from .pyramid import Pyramid
from .wrapped_neck import build_wrapped_neck, check_pyramid, width_of_outputs


@MODELS.register_module()
@known_arguments_only
class ExtendedNeck(BaseModule):
    """Any neck of MMDetection, extended by a super-resolved level P2' at stride 2.

    The wrapped neck's outputs P2, P3, ... begin at stride 4. The extension reads P2, P3 and C2', the
    backbone's stride-2 feature. The wrapped neck keeps its state-dict names: a checkpoint of the plain
    detector loads with only ``neck.extension`` missing.

    Args:
        neck (dict | list[dict]): Config of the wrapped neck, or of necks in a row such as FPN and BFP.
        ftt (dict, optional): Config of the feature texture transfer module, for example
            ``dict(type='FTT', hidden_channels=128)``. Needed unless ``levels`` is
            ``'without_p2_prime'``.
        c2_prime_channels (int, optional): Width of C2', which then stands in front of the inputs.
            Default ``None``: no C2' among the inputs, which ``levels='all'`` cannot do without.
        levels (str): Which levels are handed on. Default ``'all'``.

            - ``'all'``: ``(P2', P2, P3, ...)``, strides 2, 4, 8, ...
            - ``'p3_prime'``: ``(P3', P3, ...)``, strides 4, 8, ...: P3' in the place of P2. Neither C2'
              nor the convs of P2' are used, and those are not built.
            - ``'without_p2_prime'``: ``(P2, P3, ...)``, strides 4, 8, ...: the wrapped neck alone; no
              extension is built.
        out_channels (int, optional): Width of the wrapped neck's outputs. Default: what the (last)
            neck's config says in ``out_channels`` or, without that, in ``in_channels``.
        extension_cfg (dict, optional): Further arguments of ``PyramidExtension``: ``channels`` and
            ``separable``, which make P2' cheaper, ``output_conv`` and ``lateral_bias``, for the form of
            the detectron2 implementation, and others.
        sparse (bool): Compute P2' at test time only on tiles that RoIs touch; see ``EFPN``. Default
            False.
        sparse_tile (int): Side of a tile in cells of P2'. Default 64.
        conv_cfg, norm_cfg, act_cfg (dict, optional): For the extension's convs at stride 2. Default:
            plain convs.
        init_cfg (dict | list[dict], optional): mmengine's initialisation config. What it leaves of the
            extension is initialised like FPN's convs (Xavier, uniform); the wrapped neck's own
            ``init_cfg`` comes last.

    Raises:
        UserError: widths, levels or input sizes that do not fit; the message names the config key.

    Source: arXiv:2003.07021, section 3.1, with another neck in the place of FPN.

    Example:
        >>> import torch
        >>> pafpn = dict(type='PAFPN', in_channels=[64, 128, 256, 512], out_channels=32, num_outs=5)
        >>> neck = ExtendedNeck(pafpn, ftt=dict(type='FTT', hidden_channels=16), c2_prime_channels=64)
        >>> sizes, widths = (32, 16, 8, 4, 2), (64, 64, 128, 256, 512)
        >>> inputs = [torch.rand(1, c, s, s) for c, s in zip(widths, sizes)]
        >>> [tuple(level.shape[1:]) for level in neck(inputs)]
        [(32, 32, 32), (32, 16, 16), (32, 8, 8), (32, 4, 4), (32, 2, 2), (32, 1, 1)]
    """

    LEVELS = ('all', 'p3_prime', 'without_p2_prime')

    def __init__(
        self,
        neck: dict | list[dict],
        ftt: dict | None = None,
        c2_prime_channels: int | None = None,
        levels: str = 'all',
        out_channels: int | None = None,
        extension_cfg: dict | None = None,
        sparse: bool = False,
        sparse_tile: int = DEFAULT_TILE,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        act_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self._check_arguments(ftt, c2_prime_channels, levels, sparse)
        necks = neck if isinstance(neck, list) else [neck]
        self.neck = build_wrapped_neck(neck)
        self.levels = levels
        self.c2_prime_channels = c2_prime_channels
        self.in_channels = necks[0].get('in_channels')  # a list in every neck that reads a backbone
        self.out_channels = out_channels or width_of_outputs(necks[-1])
        self.extension = None
        if levels != 'without_p2_prime':
            self.extension = PyramidExtension(
                c2_prime_channels if levels == 'all' else None,
                self.out_channels,
                ftt,
                sparse=sparse,
                sparse_tile=sparse_tile,
                conv_cfg=conv_cfg,
                norm_cfg=norm_cfg,
                act_cfg=act_cfg,
                **checked_extension_cfg(extension_cfg),
            )
        keep_plain_names(self, inner='neck', own='extension')

    @classmethod
    def _check_arguments(cls, ftt, c2_prime_channels, levels, sparse) -> None:
        """Raises an error for arguments that no pyramid can be built from; it names the config key."""
        if levels not in cls.LEVELS:
            raise UserError(f'neck.levels must be one of {cls.LEVELS}, got {levels!r}')
        if ftt is None and levels != 'without_p2_prime':
            raise UserError(
                f"neck.levels={levels!r} needs neck.ftt, for example dict(type='FTT', "
                'hidden_channels=128)'
            )
        if c2_prime_channels is None and levels == 'all':
            raise UserError(
                "neck.c2_prime_channels must be the width of C2', the backbone's stride-2 feature "
                "(HighResolutionTap and ExtendedResNet give one), with neck.levels='all'; "
                "neck.levels='p3_prime' does without"
            )
        if sparse and levels != 'all':
            raise UserError(
                f"neck.sparse=True defers P2', which neck.levels={levels!r} leaves out; set "
                'neck.sparse=False'
            )

    def init_weights(self) -> None:
        """FPN's default for the extension, then what ``init_cfg`` and the wrapped neck say."""
        if self.extension is not None and not self.is_init:
            initialize(self.extension, dict(type='Xavier', layer='Conv2d', distribution='uniform'))
        super().init_weights()

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Gives the pyramid, finest level first.

        Args:
            inputs (Sequence[Tensor]): With ``c2_prime_channels`` first C2' at stride 2, (B,
                c2_prime_channels, H, W), then the wrapped neck's inputs, C2 at stride 4 first.

        Returns:
            tuple[Tensor, ...]: Maps of ``out_channels``, those that ``levels`` names.
        """
        self._check_inputs(inputs)
        c2_prime, stages = None, inputs
        if self.c2_prime_channels is not None:
            c2_prime, *stages = inputs
        pyramid = self.forward_pyramid(stages)
        check_pyramid(pyramid.levels, self.out_channels, c2_prime)
        if self.extension is None:
            return pyramid.levels
        if self.levels == 'p3_prime':
            return (self.extension(None, pyramid.p2, pyramid.p3)[1], *pyramid.levels[1:])
        p2_prime, _ = self.extension(c2_prime, pyramid.p2, pyramid.p3, with_p3_prime=False)
        return (p2_prime, *pyramid.levels)

    def forward_pyramid(self, stages: Sequence[Tensor]) -> Pyramid:
        """Gives the wrapped neck's outputs, and what the extension makes P2' from.

        Args:
            stages (Sequence[Tensor]): The wrapped neck's inputs, without C2'.

        Returns:
            Pyramid: P2, P3, ... and once more P2 and P3, which the FTT reads.
        """
        levels = tuple(self.neck(tuple(stages)))
        if len(levels) < 2:
            raise UserError(
                f'neck.neck ({type(self.neck).__name__}) must give P2 and P3 at least, but gives '
                f'{len(levels)} map'
            )
        return Pyramid(levels, *levels[:2])

    def _check_inputs(self, inputs: Sequence[Tensor]) -> None:
        """Raises an error for inputs of other widths than the config's."""
        if not isinstance(self.in_channels, Sequence):
            return
        expected, keys = list(self.in_channels), 'neck.neck.in_channels'
        if self.c2_prime_channels is not None:
            expected.insert(0, self.c2_prime_channels)
            keys = f'neck.c2_prime_channels before {keys}'
        got = [feature.shape[1] for feature in inputs]
        if got != expected:
            raise UserError(
                f'{keys} is {expected}, but the backbone gives features of {got} channels'
                + (
                    "; the first must be C2', the stride-2 feature (HighResolutionTap and "
                    'ExtendedResNet give one)'
                    if self.c2_prime_channels is not None
                    else ''
                )
            )
