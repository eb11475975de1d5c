"""What a ``PyramidExtension`` asks of its arguments; each message names the config key."""

from collections.abc import Sequence

from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmengine.utils.dl_utils.parrots_wrapper import _BatchNorm
from timm.layers import LayerScale2d
from torch import nn

from ...utils.errors import UserError
from ..ftt import BaseFTT
from ..utils.nested_config import check_config
from .on_demand import is_plain_conv

# Layers, besides plain convs, whose output in a cell reads no other cell at test time.
LOCAL_LAYERS = (LayerScale2d, _BatchNorm, nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.SiLU, nn.GELU)


def build_ftt(cfg: dict, out_channels: int) -> BaseFTT:
    """Builds an FTT module of the pyramid's width.

    Raises:
        UserError: No config, no ``BaseFTT``, or one of another width.
    """
    check_config('neck.ftt', cfg, "dict(type='LightFTT')")
    ftt = MODELS.build(cfg, default_args=dict(channels=out_channels))
    if not isinstance(ftt, BaseFTT):
        raise UserError(
            f'neck.ftt must build a subclass of mmdet_efpn.models.ftt.BaseFTT, but '
            f'{cfg["type"]!r} built a {type(ftt).__name__}'
        )
    if ftt.channels != out_channels:
        raise UserError(
            f'neck.ftt.channels is {ftt.channels}, but neck.out_channels is {out_channels}; '
            'leave channels out of the FTT config, the neck fills it in'
        )
    return ftt


def check_forms(
    c2_prime_channels: int | None, separable: bool, on_rois: bool, widen_on_rois: bool, sparse: bool
) -> None:
    """Raises a ``UserError`` for forms of P2' that exclude each other, or that need another one."""
    if on_rois and (sparse or c2_prime_channels is None):
        raise UserError(
            "neck.extension_cfg.on_rois=True makes P2' on RoIs alone, "
            + (
                'so there is no map that neck.sparse=True could defer; set one of them to False'
                if sparse
                else 'but this neck makes none; set neck.extension_cfg.on_rois=False'
            )
        )
    if widen_on_rois and (not separable or c2_prime_channels is None):
        raise UserError(
            "neck.extension_cfg.widen_on_rois=True runs the last 1x1 conv of P2' on RoIs, "
            + (
                'but this neck makes none'
                if c2_prime_channels is None
                else 'but with separable=False there is none'
            )
            + '; set it to False'
        )


def check_output_conv(
    output_conv: bool,
    lateral_bias: bool,
    channels: int,
    out_channels: int,
    separable: bool,
    on_rois: bool,
) -> None:
    """Raises a ``UserError`` for forms of P2' that need its last conv, or no bias before it."""
    if not output_conv and (separable or on_rois or channels != out_channels):
        name = 'separable' if separable else 'on_rois' if on_rois else 'channels'
        value = f'{channels}, another width than the level' if name == 'channels' else 'True'
        raise UserError(
            f"neck.extension_cfg.output_conv=False makes the sum P2' itself, but "
            f'neck.extension_cfg.{name}={value} needs a conv after it; set one of the two otherwise'
        )
    if lateral_bias and on_rois:
        raise UserError(
            'neck.extension_cfg.lateral_bias=True cannot go with neck.extension_cfg.on_rois=True, which '
            'would add the bias beside the image too; set one of them to False'
        )


def is_local(layers: Sequence[nn.Module]) -> bool:
    """Whether layers read no further than the kernels of plain convs."""
    return all(isinstance(layer, LOCAL_LAYERS) or is_plain_conv(layer) for layer in layers)


def check_no_batch_norm(layers: Sequence[nn.Module], norm_cfg: dict | None) -> None:
    """Raises a ``UserError`` for batch norms that would see RoIs."""
    if any(isinstance(layer, _BatchNorm) for layer in layers):
        raise UserError(
            "neck.extension_cfg.on_rois=True runs the extension's convs on RoIs, of which a batch "
            f'may have none: batch norms cannot train on that; neck.norm_cfg is {norm_cfg}, set it '
            "to None or to dict(type='GN', ...)"
        )


def check_bare(conv: ConvModule, norm_cfg: dict | None, act_cfg: dict | None) -> None:
    """Raises a ``UserError`` for a last conv that cannot change places with RoIAlign."""
    if not is_bare(conv):
        raise UserError(
            'neck.extension_cfg.widen_on_rois=True needs a last 1x1 conv without norm and activation; '
            f'neck.norm_cfg is {norm_cfg} and neck.act_cfg is {act_cfg}'
        )


def is_bare(conv: ConvModule) -> bool:
    """Whether there is nothing but a plain conv in it."""
    return is_plain_conv(conv.conv) and not conv.with_norm and not conv.with_activation


def check_with_cp(extension: nn.Module) -> None:
    """Raises a ``UserError`` for batch norms that would count each batch twice."""
    for name, layer in extension.named_modules():
        if isinstance(layer, _BatchNorm):
            raise UserError(
                "neck.extension_cfg.with_cp=True runs the extension's forward pass twice, and its batch "
                f'norm {name} would count each batch twice; set it to False, or use another norm'
            )
