"""Names of a wrapped backbone's weights in state dicts."""

import torch
from mmdet.engine.hooks.sync_norm_hook import get_norm_states
from mmdet.registry import MODELS
from torch import nn


def test_norm_states_of_sync_norm_hook_arrive():
    """The hook names norms as ``named_modules`` does and loads them with ``strict=False``."""
    tap = MODELS.build(
        dict(type='HighResolutionTap', backbone=dict(type='ResNet', depth=18, base_channels=8))
    )
    model = nn.ModuleDict(dict(backbone=tap))
    states = {name: value + 7 for name, value in get_norm_states(model).items()}
    assert 'backbone.backbone.bn1.running_mean' in states
    found = model.load_state_dict(states, strict=False)
    assert found.unexpected_keys == []
    assert torch.equal(tap.backbone.bn1.running_mean, torch.full((8,), 7.0))
    assert torch.equal(tap.backbone.layer1[0].bn1.weight, torch.full((8,), 8.0))


def test_plain_names_still_load():
    tap = MODELS.build(
        dict(type='HighResolutionTap', backbone=dict(type='ResNet', depth=18, base_channels=8))
    )
    assert 'conv1.weight' in tap.state_dict()
    found = tap.load_state_dict({'conv1.weight': torch.zeros(8, 3, 7, 7)}, strict=False)
    assert found.unexpected_keys == []
    assert tap.backbone.conv1.weight.sum() == 0
