"""Numbers and flags that no module can use: each is refused by the argument's name."""

import pytest
from mmdet.registry import MODELS

from mmdet_efpn.utils.errors import UserError

NAN = float('nan')
HAB = dict(type='HAB', embed_dims=30, num_heads=2, window_size=4)
OCAB = dict(type='OCAB', embed_dims=6, num_heads=2, window_size=4)
TAP = dict(type='HighResolutionTap', backbone=dict(type='ResNet', depth=18))
TIMM = dict(type='TimmBackbone', model_name='test_efficientnet')


@pytest.mark.parametrize(
    ('module', 'argument', 'values', 'said'),
    [
        (HAB, 'mlp_ratio', ('a', NAN, True, -1), 'must be a number from 0 on'),
        (OCAB, 'mlp_ratio', ('a', NAN, True, -1), 'must be a number from 0 on'),
        (HAB, 'conv_scale', ('a', NAN, True, -1), 'must be a number from 0 on'),
        (OCAB, 'overlap_ratio', ('a', NAN, True, -1), 'must be a number from 0 on'),
        (TAP, 'stem_channels', (0, -1, True, 1.5, 'a', None), 'must be a positive integer'),
        (TIMM, 'norm_eval', ('yes', 1, None), 'must be True or False'),
    ],
    ids=lambda value: value['type'] if isinstance(value, dict) else None,
)
def test_refused_by_name(module, argument, values, said):
    for value in values:
        with pytest.raises(UserError, match=f'{argument} {said}, got'):
            MODELS.build({**module, argument: value})
