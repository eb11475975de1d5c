"""ResNeXt whose stages begin at stride 2, after the detectron2 implementation of EFPN."""

from mmcv.cnn import ConvModule
from mmdet.models.backbones import ResNeXt
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only


@MODELS.register_module()
@known_arguments_only
class CascadedResNeXt(ResNeXt):
    """ResNeXt in one chain without a max-pool: ``(C2', C2, C3, C4, C5)`` at strides 2, 4, 8, 16 and 32.

    After the stem (stride 2): ``layer1``, 3 bottlenecks at stride 2 (C2', 256 wide); ``layer2``, a
    single 1x1 conv of stride 2 with norm and ReLU (C2, 512); ``layer3``, 4 bottlenecks (C3, 1024);
    ``layer4``, 6 bottlenecks or, in depth 101, 23 (C4, 2048); ``layer5``, 3 bottlenecks (C5, 4096). The
    bottlenecks of ``layer1``, ``layer3`` and ``layer4`` have the shapes of a plain ResNeXt's of the same
    names, and load from its weights as far as there are as many.

    Args:
        depth (int): 50 or 101.
        groups (int): Groups of the 3x3 convs. Default 32.
        base_width (int): Width of a group in ``layer1``; it doubles as the stages' widths do.
            Default 8.
        frozen_stages (int): -1: nothing is frozen; 0: the stem; i: the stem and ``layer1`` to
            ``layer<i>``. Default -1.
        **kwargs: Of MMDetection's ``ResNeXt``: ``in_channels``, ``stem_channels``, ``base_channels``,
            ``style``, ``deep_stem``, ``avg_down``, ``conv_cfg``, ``norm_cfg``, ``norm_eval``,
            ``with_cp``, ``init_cfg``.

    Raises:
        UserError: an unknown depth, a number of frozen stages that there are not, or an argument that
            changes the stages.

    Source: arXiv:2003.07021, section 3.1, in the detectron2 implementation's form.

    Example:
        >>> import torch
        >>> backbone = CascadedResNeXt(depth=50, groups=4, base_width=4, base_channels=16)
        >>> [tuple(f.shape[1:]) for f in backbone(torch.rand(1, 3, 64, 64))]
        [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4), (1024, 2, 2)]
    """

    DEPTHS = (50, 101)
    FIXED = ('num_stages', 'strides', 'dilations', 'out_indices', 'dcn', 'stage_with_dcn', 'plugins')

    def __init__(
        self, depth: int, groups: int = 32, base_width: int = 8, frozen_stages: int = -1, **kwargs
    ) -> None:
        if depth not in self.DEPTHS:
            raise UserError(f'backbone.depth must be one of {self.DEPTHS}, got {depth}')
        if frozen_stages not in range(-1, 6):
            raise UserError(f'backbone.frozen_stages must be -1..5, got {frozen_stages}')
        fixed = [name for name in self.FIXED if name in kwargs]
        if fixed:
            raise UserError(
                f'CascadedResNeXt has stages of its own: leave {", ".join(fixed)} out of the backbone'
            )
        super().__init__(
            groups,
            base_width,
            depth=depth,
            num_stages=1,
            strides=(1,),
            dilations=(1,),
            out_indices=(0,),
            frozen_stages=-1,
            **kwargs,
        )
        del self.maxpool
        out_channels = 2 * self.inplanes
        self.layer2 = ConvModule(
            self.inplanes, out_channels, 1, stride=2, conv_cfg=self.conv_cfg, norm_cfg=self.norm_cfg
        )
        self.res_layers.append('layer2')
        stage_blocks = self.arch_settings[depth][1]
        for i, num_blocks in enumerate(stage_blocks[1:], start=3):
            inplanes, out_channels = out_channels, 2 * out_channels
            self.add_module(
                f'layer{i}',
                self.make_res_layer(
                    block=self.block,
                    inplanes=inplanes,
                    planes=out_channels // self.block.expansion,
                    num_blocks=num_blocks,
                    stride=2,
                    style=self.style,
                    avg_down=self.avg_down,
                    with_cp=self.with_cp,
                    conv_cfg=self.conv_cfg,
                    norm_cfg=self.norm_cfg,
                ),
            )
            self.res_layers.append(f'layer{i}')
        self.frozen_stages = frozen_stages
        self._freeze_stages()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives C2', C2, C3, C4 and C5.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: The five stages at strides 2, 4, 8, 16 and 32, base_channels * 4 wide and
            twice as wide each time; sizes are H and W over the stride, rounded up.
        """
        x = self.stem(x) if self.deep_stem else self.relu(self.norm1(self.conv1(x)))
        features = []
        for name in self.res_layers:
            x = getattr(self, name)(x)
            features.append(x)
        return tuple(features)

    def forward_stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives the stages after C2': what a pyramid without P2' needs.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: C2, C3, C4 and C5, as after C2' in :meth:`forward`.
        """
        return self(x)[1:]
