"""One function applies every table of names."""

import pytest
import torch

from mmdet_efpn.checkpoints.key_maps import KeyMap, Rule, To, apply_key_map, recognise, rule
from mmdet_efpn.utils.errors import UserError


def doubled(weight):
    """Twice as large."""
    return weight * 2


TABLE = KeyMap(
    source='other',
    signature=(r'stem\..*', r'stage\d\..*'),
    rules=(
        rule(r'stem\.weight', 'backbone.conv1.weight'),
        rule(r'stage(\d)\.(.+)', r'backbone.layer\1.\2', doubled),
        Rule(r'scale', (To('norm.weight'), To('norm.bias', torch.zeros_like))),
    ),
    dropped=((r'optimizer\..*', 'an optimiser is no weight'),),
    pixels='RGB',
)


def test_each_weight_has_one_story():
    weights = {
        'stem.weight': torch.ones(1),
        'stage2.conv.weight': torch.ones(2),
        'scale': torch.full((3,), 5.0),
        'optimizer.step': torch.ones(1),
        'riddle': torch.ones(1),
    }
    ours, renaming = apply_key_map(weights, TABLE)
    assert {name: weight.tolist() for name, weight in ours.items()} == {
        'backbone.conv1.weight': [1],
        'backbone.layer2.conv.weight': [2, 2],
        'norm.weight': [5, 5, 5],
        'norm.bias': [0, 0, 0],
    }
    assert renaming.moved['scale'] == ['norm.weight', 'norm.bias']
    assert renaming.changed['Twice as large.'] == ['stage2.conv.weight']
    assert renaming.dropped == {'an optimiser is no weight': ['optimizer.step']}
    assert renaming.unknown == ['riddle']
    assert renaming.pixels == 'RGB'


def test_two_weights_of_one_name_are_an_error():
    table = KeyMap('other', (), (rule(r'[ab]', 'c'),))
    with pytest.raises(UserError, match='a and b are both called c'):
        apply_key_map({'a': torch.ones(1), 'b': torch.ones(1)}, table)


def test_a_source_is_known_by_its_names():
    assert recognise(['stem.weight', 'stage1.x'], [TABLE]) is TABLE
    assert recognise(['stem.weight'], [TABLE]) is None
