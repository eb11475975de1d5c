"""Images of other than three channels, through extend_config and the backbones that it writes."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

import mmdet_efpn
from mmdet_efpn.utils.errors import UserError


@MODELS.register_module()
class _OtherName(BaseModule):
    """A backbone whose argument has a name of its own."""

    def __init__(self, bands=3, init_cfg=None):
        super().__init__(init_cfg)
        self.stages = nn.ModuleList(
            nn.Conv2d(channels, 8, 3, stride, padding=1)
            for channels, stride in ((bands, 4), (8, 2), (8, 2), (8, 2))
        )

    def forward(self, x):
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return tuple(outputs)


@pytest.mark.parametrize(
    ('backbone', 'channels'),
    [
        (dict(type='ResNet', depth=18, in_channels=1), 1),
        (dict(type='PyramidVisionTransformer', num_layers=[1] * 4, in_channels=4), 4),
        (dict(type='TimmBackbone', model_name='test_resnet', in_chans=2), 2),
        (dict(type='_OtherName', bands=5), 5),
    ],
)
def test_p2_prime_is_made_of_all_channels(shipped, backbone, channels):
    from mmdet_efpn.extend import probe_backbone

    cfg = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', light=True)
    cfg.model.backbone = backbone
    cfg.model.neck.in_channels = [feature.channels for feature in probe_backbone(backbone)]
    model = mmdet_efpn.extend_config(cfg).model
    built = MODELS.build(model.backbone)
    images = torch.rand(1, channels, 64, 96, requires_grad=True)
    levels = MODELS.build(model.neck)(built(images))
    assert levels[0].shape[2:] == (32, 48)
    levels[0].sum().backward()
    assert all(images.grad[0, channel].any() for channel in range(channels))
    if model.backbone.type == 'HighResolutionTap':
        assert built.c2_prime_channels == model.neck.get('c2_prime_channels', built(images)[0].shape[1])


def test_two_names_that_contradict_are_an_error():
    with pytest.raises(UserError, match=r'in_channels and backbone.in_chans .* \[1, 4\]'):
        MODELS.build(dict(type='TimmBackbone', model_name='test_resnet', in_channels=1, in_chans=4))
