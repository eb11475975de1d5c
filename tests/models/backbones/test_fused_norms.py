"""fuse_conv_bn, as for deployment: the same pyramid from every form of C2'."""

import pytest
import torch
from mmcv.cnn import fuse_conv_bn
from mmdet.registry import MODELS
from torch import nn

RESNET = dict(type='ExtendedResNet', depth=18, base_channels=16)
WIDTHS = [16, 16, 32, 64, 128]
BACKBONES = {
    'shared': (RESNET, WIDTHS),
    'one block': (dict(RESNET, c2_prime_blocks=1), WIDTHS),
    'deferred': (dict(RESNET, defer_c2_prime=True), WIDTHS),
    'deferred avg_down': (
        dict(RESNET, type='ExtendedResNeXt', depth=50, groups=4, base_width=4, avg_down=True)
        | dict(defer_c2_prime=True, deep_stem=True),
        [64, 64, 128, 256, 512],
    ),
    'stem': (dict(RESNET, c2_prime='stem'), WIDTHS),
    'deferred stem': (dict(RESNET, c2_prime='stem', defer_c2_prime=True), WIDTHS),
    'tap': (
        dict(type='HighResolutionTap', backbone=dict(type='ResNet', depth=18, base_channels=16)),
        WIDTHS,
    ),
    'tap with a stem': (
        dict(
            type='HighResolutionTap',
            backbone=dict(type='PyramidVisionTransformer', num_layers=[1] * 4),
        ),
        [64, 64, 128, 320, 512],
    ),
    'cascaded': (
        dict(type='CascadedResNeXt', depth=50, groups=4, base_width=4, base_channels=16),
        [64, 128, 256, 512, 1024],
    ),
}


def pyramid(backbone, neck, image, rois):
    with torch.no_grad():
        first, *others = neck(backbone(image))
        if not torch.is_tensor(first):
            first = first.around(rois)
    return [first, *others]


@pytest.mark.parametrize('name', BACKBONES)
@pytest.mark.parametrize('neck_norm', [None, dict(type='BN')])
def test_the_pyramid_stays(name, neck_norm):
    torch.manual_seed(0)
    cfg, widths = BACKBONES[name]
    backbone = MODELS.build(cfg)
    neck = MODELS.build(
        dict(type='EFPN', in_channels=widths, out_channels=16, num_outs=6, norm_cfg=neck_norm)
        | dict(ftt=dict(type='LightFTT'), extension_cfg=dict(separable=True))
    )
    net = nn.ModuleList([backbone, neck]).eval()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:  # norms that do something
        nn.init.uniform_(norm.weight, 0.5, 1.5)
        norm.bias.data.uniform_(-0.2, 0.2)
        norm.running_mean.uniform_(-0.2, 0.2)
        norm.running_var.uniform_(0.5, 2)
    image = torch.rand(2, backbone.conv1.in_channels if hasattr(backbone, 'conv1') else 3, 96, 128)
    rois = torch.tensor([[0.0, 0, 0, 40, 30], [1, 90, 60, 127, 95]])
    before = pyramid(backbone, neck, image, rois)
    fuse_conv_bn(net)
    fused = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(fused) < len(norms)
    for level, after in zip(before, pyramid(backbone, neck, image, rois), strict=True):
        torch.testing.assert_close(after, level, rtol=1e-4, atol=1e-4)
    assert before[0].any()
