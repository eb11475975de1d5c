"""Whether an extended detector's pyramid has the plain one's levels, given the same weights."""

import ast
import copy
from pathlib import Path
from typing import NamedTuple

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from torch import Tensor, nn

from ..models import EFPN
from ..models.utils.image_channels import image_channels
from ..utils.config_parts import inner_detector, typed_parts
from ..utils.errors import UserError
from ..utils.pretrained import without_weights
from ..utils.read_config import config_path, read_config

IMAGE = (256, 320)  # multiples of the coarsest stride, 128, or of 64
TOLERANCE = 1e-4  # of the level's largest value: float32 in another order


class LevelGap(NamedTuple):
    """One level of both pyramids: its stride, the largest difference, the largest value."""

    stride: int
    difference: float
    largest: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is rounding."""
        return self.difference <= TOLERANCE * max(self.largest, 1e-6)


def plain_config_of(config: str | Path) -> str:
    """The plain detector's config that an extended one inherits, as ``mmdet-efpn extend`` writes it.

    Raises:
        UserError: It inherits none.
    """
    path = config_path(config)
    for base in _bases(path):
        name = base if '::' in base else str(path.parent / base)
        model = read_config(name).get('model')
        if model is None:
            continue
        if any('ftt' in part for _, part in typed_parts(dict(model), 'model')):
            return plain_config_of(name)
        return name
    raise UserError(f"{config} inherits no plain detector's config (_base_); name it: --plain CONFIG")


def _bases(path: Path) -> list[str]:
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '_base_':
            value = ast.literal_eval(node.value)
            return [value] if isinstance(value, str) else list(value)
    return []


def compare_pyramids(
    plain_cfg: Config, plain_weights: dict[str, Tensor], extended: nn.Module, weights: dict[str, Tensor]
) -> tuple[list[LevelGap], str]:
    """Runs both detectors' backbones and necks on one random image and compares the levels they share.

    Args:
        plain_cfg (Config): The plain detector's config.
        plain_weights (dict[str, Tensor]): Its weights.
        extended (nn.Module): The extended detector; a copy of it is loaded.
        weights (dict[str, Tensor]): The weights that were made for it.

    Returns:
        tuple: A :class:`LevelGap` for each level of the same stride, from 4 on, and why they may differ
        (empty: they must agree).

    Raises:
        UserError: The weights do not fit the plain config, or no level is shared.
    """
    model = plain_cfg.model
    plain = _inner(revert_sync_batchnorm(MODELS.build(without_weights(inner_detector(model)))))
    _load_features(plain, plain_weights)
    extended = copy.deepcopy(extended)
    extended.load_state_dict(weights, strict=False)
    extended = _inner(revert_sync_batchnorm(extended))
    channels = image_channels(inner_detector(model)['backbone'])
    image = torch.randn(1, channels, *IMAGE, generator=torch.Generator().manual_seed(0))
    # A pixel decoder's detector has no neck, and its extended one a new FPN: the stages are shared.
    with_neck = getattr(plain, 'neck', None) is not None
    before = {tuple(level.shape[2:]): level for level in _levels(plain, image, with_neck)}
    after = {tuple(level.shape[2:]): level for level in _levels(extended, image, with_neck)}
    finest = round(IMAGE[0] / max(after)[0])
    gaps = []
    for size in sorted(set(before) & set(after), reverse=True):
        stride = round(IMAGE[0] / size[0])
        if with_neck and stride == finest:  # P2', or P3' in the place of P2
            continue
        gap = (before[size] - after[size]).abs().max().item()
        gaps.append(LevelGap(stride, gap, before[size].abs().max().item()))
    if not gaps:
        raise UserError(
            f'the plain pyramid has maps of {sorted(before)}, the extended one of {sorted(after)} for '
            f'an image of {IMAGE}: they share no level'
        )
    return gaps, _reason_to_differ(extended, weights) if with_neck else ''


def check_agreement(gaps: list[LevelGap], reason: str) -> None:
    """Raises a :class:`UserError` where levels differ that must agree."""
    apart = [gap for gap in gaps if not gap.agrees]
    if apart and not reason:
        text = ', '.join(f'{gap.difference:.2g} at stride {gap.stride}' for gap in apart)
        raise UserError(
            f'the extended pyramid is not the plain one on levels that both have: they differ by '
            f'{text}. Is the checkpoint of the plain config, and the extended config made of it?'
        )


def _inner(model: nn.Module) -> nn.Module:
    """The detector with backbone and neck, in evaluation mode."""
    while not hasattr(model, 'backbone'):
        model = getattr(model, 'teacher', None) or model.get_submodule('detector')
    return model.eval()


@torch.no_grad()
def _levels(detector: nn.Module, image: Tensor, with_neck: bool) -> list[Tensor]:
    features = detector.get_submodule('backbone')(image)
    if with_neck:
        features = detector.get_submodule('neck')(features)
    return [level for level in features if isinstance(level, Tensor)]


def _load_features(plain: nn.Module, weights: dict[str, Tensor]) -> None:
    """Loads backbone and neck; heads may have another number of classes."""
    parts = {
        name: weight
        for name, weight in plain.state_dict().items()
        if name.startswith(('backbone.', 'neck.')) and not name.endswith('num_batches_tracked')
    }
    unfit = [
        name
        for name, weight in parts.items()
        if name not in weights or weights[name].shape != weight.shape
    ]
    if unfit:
        raise UserError(
            f"the checkpoint lacks {len(unfit)} of the {len(parts)} weights of the plain config's "
            f'backbone and neck, among them {", ".join(unfit[:3])}; name the config that it is '
            'of: --plain CONFIG'
        )
    plain.load_state_dict({name: weights[name] for name in parts}, strict=False)


def _reason_to_differ(extended: nn.Module, weights: dict[str, Tensor]) -> str:
    """Why levels need not agree: a neck that passes its new, finer level on to the coarser ones."""
    neck = getattr(extended, 'neck', None)
    if neck is None or isinstance(neck, EFPN):
        return ''
    new = [
        name
        for name in neck.state_dict()
        if not name.startswith('extension.')
        and not name.endswith('num_batches_tracked')
        and not any(known.endswith(f'neck.{name}') for known in weights)
    ]
    kind = type(getattr(neck, 'neck', neck)).__name__
    return f'{kind} passes its finer, untrained level ({new[0]}) on to the coarser ones' if new else ''
