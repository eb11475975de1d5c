"""How many channels a backbone's images have."""

import pytest

from mmdet_efpn.models.utils.image_channels import image_channels


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        (dict(type='ResNet', depth=50), 3),
        (dict(type='ResNet', depth=50, in_channels=1), 1),
        (dict(type='mmdet.RegNet', arch='regnetx_400mf', in_channels=4), 4),
        (dict(type='ExtendedResNet', depth=50, in_channels=4), 4),
        (dict(type='SwinTransformer', in_channels=2), 2),
        (dict(type='TimmBackbone', model_name='resnet18', in_chans=1), 1),
        (dict(type='CSPDarknet'), 3),  # has no such argument
        (dict(type='HighResolutionTap', backbone=dict(type='RegNet', in_channels=5)), 5),
        (dict(type='HighResolutionTap', in_channels=6, backbone=dict(type='CSPDarknet')), 6),
    ],
)
def test_config_or_class_tells(backbone, channels):
    assert image_channels(backbone) == channels
