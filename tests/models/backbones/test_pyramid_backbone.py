"""A backbone with its neck inside gives the neck's levels and keeps the backbone's names."""

import torch
from mmdet.models.backbones import ResNet
from mmdet.models.necks import FPN

from mmdet_efpn.models.backbones import PyramidBackbone

FPN_CFG = dict(type='FPN', in_channels=[64, 128, 256, 512], out_channels=16, num_outs=5)


def test_same_levels_as_backbone_and_neck_in_a_row():
    torch.manual_seed(0)
    both = PyramidBackbone(dict(type='ResNet', depth=18), FPN_CFG)
    backbone, neck = ResNet(18), FPN(**{k: v for k, v in FPN_CFG.items() if k != 'type'})
    for module in (both, backbone, neck):
        module.eval()  # ResNet's gives nothing back
    state = both.state_dict()
    neck_state = {k.removeprefix('neck.'): v for k, v in state.items() if k.startswith('neck.')}
    neck.load_state_dict(neck_state)
    backbone.load_state_dict({k: v for k, v in state.items() if not k.startswith('neck.')})
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        levels, expected = both(images), neck(backbone(images))
    assert len(levels) == 5
    assert all(torch.equal(a, b) for a, b in zip(levels, expected, strict=True))


def test_weights_of_the_plain_backbone_load():
    both = PyramidBackbone(dict(type='ResNet', depth=18), FPN_CFG)
    missing, unexpected = both.load_state_dict(ResNet(18).state_dict(), strict=False)
    assert unexpected == []
    assert all(name.startswith('neck.') for name in missing)
