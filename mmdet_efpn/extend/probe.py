"""What a backbone gives: strides and widths, found by running it once on an empty image."""

import copy
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import Tensor, nn

from ..models.utils.image_channels import image_channels
from ..utils.known_names import argument_default as class_default
from ..utils.pretrained import without_weights
from .report import CannotExtendError

IMAGE_SIDE = 128  # a multiple of every stride up to 128
LARGE_SIDE = 512
ODD_SIDE = 125  # odd, and odd again at strides 2, 8, ... rounded up


class Feature(NamedTuple):
    """One output of a backbone: its stride in pixels and its width in channels."""

    stride: int
    channels: int


def plain_type(cfg: dict) -> str:
    """The name of a module's class without its scope: ``'mmdet.FPN'`` is ``'FPN'``."""
    return cfg['type'].rpartition('.')[2]


def argument_default(cfg: dict, name: str):
    """The default of a module's argument, sought in its class and then in its parents; or ``None``."""
    found = MODELS.get(cfg['type'])
    if found is None:
        raise CannotExtendError(
            f'{cfg["type"]} is not registered, so that its arguments cannot be looked up; name the '
            'module that registers it in custom_imports'
        )
    return class_default(found, name)


def argument(cfg: dict, name: str):
    """A module's argument as its config gives it, or else its default."""
    return cfg[name] if name in cfg else argument_default(cfg, name)


def probe_backbone(backbone: dict) -> list[Feature]:
    """Builds a backbone without its weights and gives the stride and width of each of its outputs.

    Raises:
        CannotExtendError: The backbone cannot be built, or its outputs are not a pyramid.
    """
    init_default_scope('mmdet')
    cfg = ConfigDict(without_weights(backbone))
    try:
        with torch.random.fork_rng(devices=[]):  # a random seed set before stays as it was set
            features, _ = _run(cfg, IMAGE_SIDE)
    except CannotExtendError:
        raise
    except Exception as error:
        # Whatever a foreign module says at build or at its first forward.
        raise CannotExtendError(
            f'model.backbone ({backbone["type"]}) cannot be built and run on a {IMAGE_SIDE}x'
            f'{IMAGE_SIDE} image: {error}'
        ) from error
    if isinstance(features, torch.Tensor) and features.dim() == 4:
        raise CannotExtendError(
            f'model.backbone ({backbone["type"]}) gives one map of stride '
            f'{round(IMAGE_SIDE / features.shape[-1])} in the place of stages, and the neck reads that '
            'map alone (as in ViTDet); the extension stands on a list of stages: take a backbone that '
            'gives them, as Swin or ConvNeXt'
        )
    if not isinstance(features, (tuple, list)) or any(f.dim() != 4 for f in features):
        raise CannotExtendError(
            f'model.backbone ({backbone["type"]}) gives no list of feature maps, so there is no '
            'pyramid to extend'
        )
    return [Feature(round(IMAGE_SIDE / f.shape[-1]), f.shape[1]) for f in features]


def probe_neck(backbone: dict, chain: list[dict]) -> list[Feature]:
    """Builds a backbone and a neck without weights and gives stride and width of each of its levels.

    Raises:
        CannotExtendError: The neck cannot be built or run, or gives no list of maps.
    """
    init_default_scope('mmdet')
    backbone, chain = ConfigDict(without_weights(backbone)), without_weights(list(chain))
    name = ' and '.join(plain_type(part) for part in chain)

    def run(side: int) -> Sequence[Tensor]:
        levels, _ = _build_and_run(backbone, side)
        for part in chain:
            neck = revert_sync_batchnorm(MODELS.build(copy.deepcopy(part))).eval()
            with torch.no_grad():
                levels = neck(levels)
        return levels

    try:
        with torch.random.fork_rng(devices=[]):  # a random seed set before stays as it was set
            try:
                side = IMAGE_SIDE
                levels = on_meta_if_possible(lambda: run(side))
            except RuntimeError:  # SSD's last convs take no padding and need a larger map
                side = LARGE_SIDE
                levels = on_meta_if_possible(lambda: run(side))
    except Exception as error:
        # Whatever a foreign module says at build or at its first forward.
        raise CannotExtendError(f'model.neck ({name}) cannot be built and run: {error}') from error
    if isinstance(levels, torch.Tensor):
        levels = [levels]
    if not isinstance(levels, (tuple, list)) or any(getattr(f, 'ndim', 0) != 4 for f in levels):
        raise CannotExtendError(f'model.neck ({name}) gives no list of feature maps')
    return [Feature(round(side / f.shape[-1]), f.shape[1]) for f in levels]


def rounds_up(backbone: dict, features: list[Feature]) -> bool:
    """Whether the outputs, as probed, have any image's size over their strides, rounded up."""
    try:
        with torch.random.fork_rng(devices=[]):
            outputs, _ = _run(ConfigDict(without_weights(backbone)), ODD_SIDE)
    except Exception:
        # A foreign module that takes multiples of its stride alone.
        return False
    return all(
        output.shape[-1] == -(-ODD_SIDE // feature.stride)
        for output, feature in zip(outputs, features, strict=True)
    )


def probe_channels(backbone: dict) -> int:
    """Channels of the images that a backbone takes; where its config does not tell, by running it."""
    with torch.random.fork_rng(devices=[]):  # a random seed set before stays as it was set
        return _run(ConfigDict(without_weights(backbone)), IMAGE_SIDE)[1]


def _run(cfg: ConfigDict, side: int) -> tuple[Sequence[Tensor], int]:
    """The backbone's outputs and its images' channels."""
    return on_meta_if_possible(lambda: _build_and_run(cfg, side))


def on_meta_if_possible(run: Callable):
    """What ``run`` gives on the meta device, where nothing is computed; else on the CPU."""
    try:
        with torch.device('meta'):
            return run()
    except (NotImplementedError, RuntimeError):
        return run()


def _build_and_run(cfg: ConfigDict, side: int) -> tuple[Sequence[Tensor], int]:
    backbone = revert_sync_batchnorm(MODELS.build(copy.deepcopy(cfg)))
    backbone.eval()
    channels = image_channels(cfg)
    first_conv = next((m for m in backbone.modules() if isinstance(m, nn.Conv2d)), None)
    with torch.no_grad():
        try:
            return backbone(torch.zeros(1, channels, side, side)), channels
        except RuntimeError:
            # An argument of another name may say how many channels there are; the weights know.
            if first_conv is None or first_conv.in_channels == channels:
                raise
            channels = first_conv.in_channels
            return backbone(torch.zeros(1, channels, side, side)), channels
