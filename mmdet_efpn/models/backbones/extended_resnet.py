"""ResNet and ResNeXt that also give C2', a stage-2 feature at stride 2."""

import copy

import torch
import torch.nn as nn
from mmdet.models.backbones import ResNet, ResNeXt
from mmdet.registry import MODELS
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..necks.on_demand import DeferredMap, computing_layers, is_plain_conv


def stage_twin(module: nn.Module, freeze_norms: bool) -> nn.Module:
    """A second face of a module: the same parameters, settings of its own.

    Its blocks do no activation checkpointing of their own. With ``freeze_norms`` its batch norms are
    in evaluation mode, also when checkpointing runs them once more in the backward pass, so that
    they leave the running statistics alone, and they read a copy of these: a pass that updates them
    before the backward pass would change the gradient. The twin is not registered anywhere.
    """
    twin = copy.copy(module)  # shares the dicts of parameters and buffers
    twin._modules = {
        name: stage_twin(child, freeze_norms)
        for name, child in module._modules.items()
        if child is not None
    }
    if hasattr(twin, 'with_cp'):
        twin.with_cp = False
    if freeze_norms and isinstance(module, _BatchNorm):
        twin.training = False
        twin._buffers = {
            name: None if value is None else value.clone() for name, value in module._buffers.items()
        }
    return twin


class _StrideTwoFeature:
    """Adds C2' in front of a ResNet's outputs; see :class:`ExtendedResNet`."""

    C2_PRIME_SOURCES = ('shared', 'stem')

    def __init__(
        self,
        *args,
        c2_prime: str = 'shared',
        c2_prime_blocks: int | None = None,
        defer_c2_prime: bool = False,
        **kwargs,
    ) -> None:
        if c2_prime not in self.C2_PRIME_SOURCES:
            raise UserError(
                f'backbone.c2_prime must be one of {self.C2_PRIME_SOURCES}, got {c2_prime!r}'
            )
        super().__init__(*args, **kwargs)
        if self.strides[0] != 1:
            raise UserError(
                "C2' runs the first residual stage on the unpooled stem, so backbone.strides must "
                f'begin with 1, got {tuple(self.strides)}'
            )
        self.c2_prime = c2_prime
        self.c2_prime_blocks = self._checked_blocks(c2_prime_blocks)
        self.defer_c2_prime = defer_c2_prime
        if defer_c2_prime:
            self._c2_prime_halo()  # says now what cannot be deferred

    def _checked_blocks(self, blocks: int | None) -> int:
        """How many blocks of stage 2 C2' goes through."""
        in_stage = len(self.layer1)
        if self.c2_prime == 'stem':
            if blocks is not None:
                raise UserError(
                    'backbone.c2_prime_blocks counts blocks of stage 2, which backbone.c2_prime="stem" '
                    f'does not run; leave it out, got {blocks!r}'
                )
            return 0
        blocks = in_stage if blocks is None else blocks
        if not isinstance(blocks, int) or not 1 <= blocks <= in_stage:
            raise UserError(
                f'backbone.c2_prime_blocks must be 1 to {in_stage}, the blocks of stage 2, '
                f'got {blocks!r}'
            )
        return blocks

    def _stage_two_width(self) -> int:
        return self.block.expansion * self.base_channels

    def _c2_prime_halo(self) -> int:
        """How many cells around a cell of C2' its value reads of C1."""
        halo = 0
        for block in list(self.layer1)[: self.c2_prime_blocks]:
            for name, layer in computing_layers(block):
                # Identity stands in the place of a norm that fuse_conv_bn merged into its conv.
                idle = isinstance(layer, nn.Identity) or (
                    isinstance(layer, nn.AvgPool2d) and layer.kernel_size == 1  # of avg_down
                )
                if not (idle or is_plain_conv(layer) or isinstance(layer, (_BatchNorm, nn.ReLU))):
                    raise UserError(
                        'backbone.defer_c2_prime needs a stage 2 of convs, batch norms and ReLU, whose '
                        f'values depend on few cells around; it has a {type(layer).__name__} ({name})'
                    )
                if isinstance(layer, nn.Conv2d) and not name.startswith('downsample'):
                    halo += layer.dilation[0] * (layer.kernel_size[0] // 2)
        return halo

    def _stem_feature(self, x: Tensor) -> Tensor:
        """C1: the stem without its max-pool, stride 2."""
        if self.deep_stem:
            return self.stem(x)
        return self.relu(self.norm1(self.conv1(x)))

    def _make_c2_prime(self, c1: Tensor) -> Tensor:
        """C2' of C1."""
        if self.c2_prime == 'stem':
            return c1
        return self._stage_two(c1, freeze_norms=True, blocks=self.c2_prime_blocks)

    def _stage_two(self, x: Tensor, freeze_norms: bool = False, blocks: int | None = None) -> Tensor:
        """Stage 2, or its first blocks, on C1 (for C2', with ``freeze_norms``) or its pooled form (C2).

        Checkpointing is the non-reentrant kind: the stage's weights serve two passes, and the
        reentrant one would report their gradients to a data parallel wrapper twice.
        """
        stage = self.layer1
        live_norms = any(m.training for m in stage.modules() if isinstance(m, _BatchNorm))
        if self.with_cp or (freeze_norms and live_norms):
            stage = stage_twin(stage, freeze_norms)
        for block in list(stage)[:blocks]:
            if self.with_cp and torch.is_grad_enabled():
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        return x

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives C2' and the parent's outputs.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: C2' at stride 2, then the stages in ``out_indices``: by default C2..C5 at
            strides 4, 8, 16 and 32. Sizes are H and W over the stride, rounded up. With
            ``defer_c2_prime`` the first is a ``DeferredMap`` in evaluation mode without gradients.
        """
        c1 = self._stem_feature(x)
        if self.defer_c2_prime and not self.training and not torch.is_grad_enabled():
            channels = c1.shape[1] if self.c2_prime == 'stem' else self._stage_two_width()
            c2_prime = DeferredMap(c1, self._make_c2_prime, channels, self._c2_prime_halo())
        else:
            c2_prime = self._make_c2_prime(c1)
        return (c2_prime, *self._stages(c1))

    def forward_stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Gives the parent's outputs alone, without the price of C2': what a pyramid without P2' needs.

        Args:
            x (Tensor): Images, (B, in_channels, H, W).

        Returns:
            tuple[Tensor, ...]: The stages in ``out_indices``, as after C2' in :meth:`forward`.
        """
        return self._stages(self._stem_feature(x))

    def _stages(self, c1: Tensor) -> tuple[Tensor, ...]:
        """The stages in ``out_indices``, from C1."""
        x, features = self.maxpool(c1), []
        for i, layer_name in enumerate(self.res_layers):
            x = self._stage_two(x) if i == 0 else getattr(self, layer_name)(x)
            if i in self.out_indices:
                features.append(x)
        return tuple(features)


@MODELS.register_module()
@known_arguments_only
class ExtendedResNet(_StrideTwoFeature, ResNet):
    """ResNet with the stride-2 feature C2' in front: ``(C2', C2, C3, C4, C5)``.

    C2' has the weights of a plain ResNet and no others: the state dict has the parent's keys, and
    published weights load unchanged. All the parent's arguments keep their meaning.

    Where stage 2's batch norms train (``norm_eval=False``), the C2' pass normalises with the running
    statistics, as it will at test time, and leaves them alone; only the C2 pass updates them.

    Args:
        c2_prime (str): Where C2' comes from. ``'shared'``: stage 2 run a second time, with the same
            weights, on the stem before its max-pool (the paper's form, width of C2). ``'stem'``: that
            stem itself (cheap, ``stem_channels`` wide). Default ``'shared'``.
        c2_prime_blocks (int, optional): How many blocks of stage 2 C2' goes through. The first alone
            costs a third, and has the width of all. Default: all.
        defer_c2_prime (bool): Compute C2', too, only on tiles that RoIs touch where the neck computes
            P2' so, which it then does without being told (``EFPN``, ``sparse``). In evaluation mode and
            without gradients, the backbone then gives a ``DeferredMap`` in the place of C2'. Training is
            as without. Default False.
        *args, **kwargs: The arguments of MMDetection's ``ResNet``.

    Raises:
        UserError: an unknown ``c2_prime``, a first stage that has a stride of its own or too few
            blocks, or one that cannot be deferred.

    Source: arXiv:2003.07021, section 3.1.

    Example:
        >>> import torch
        >>> backbone = ExtendedResNet(depth=18)
        >>> [tuple(f.shape[1:]) for f in backbone(torch.rand(1, 3, 64, 64))]
        [(64, 32, 32), (64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2)]
    """


@MODELS.register_module()
@known_arguments_only
class ExtendedResNeXt(_StrideTwoFeature, ResNeXt):
    """ResNeXt with the stride-2 feature C2' in front; see :class:`ExtendedResNet`.

    Args:
        c2_prime (str): ``'shared'`` (default) or ``'stem'``.
        c2_prime_blocks (int, optional): How many blocks of stage 2 C2' goes through. Default: all.
        defer_c2_prime (bool): Compute C2' at test time only where RoIs need it. Default False.
        *args, **kwargs: The arguments of MMDetection's ``ResNeXt``.

    Example:
        >>> import torch
        >>> backbone = ExtendedResNeXt(depth=50, groups=32, base_width=4)
        >>> [tuple(f.shape[1:]) for f in backbone(torch.rand(1, 3, 64, 64))]
        [(256, 32, 32), (256, 16, 16), (512, 8, 8), (1024, 4, 4), (2048, 2, 2)]
    """
