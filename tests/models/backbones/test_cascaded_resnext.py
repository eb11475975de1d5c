"""CascadedResNeXt against its stages run by hand from functions of torch, and ResNeXt's weights."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.backbones import ResNeXt
from mmdet.registry import MODELS

import mmdet_efpn  # noqa: F401  (registers the backbone)

SMALL = dict(groups=4, base_width=4, base_channels=16)


def build(depth=50, training=False, **kwargs):
    torch.manual_seed(0)
    backbone = MODELS.build(dict(type='CascadedResNeXt', depth=depth) | SMALL | kwargs)
    backbone.init_weights()
    if 'init_cfg' not in kwargs:
        for name, buffer in backbone.named_buffers():
            if name.endswith('running_mean'):
                buffer.uniform_(-0.1, 0.1)
            elif name.endswith('running_var'):
                buffer.uniform_(0.5, 1.5)
    backbone.train(training)
    return backbone


def images(size=(64, 96), dtype=torch.float32):
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1)).to(dtype)


def by_hand(w, x, blocks, groups):
    """The chain of the design, written with torch's functions and the weights ``w``."""

    def norm(name, x):
        values = (w[f'{name}.{kind}'] for kind in ('running_mean', 'running_var', 'weight', 'bias'))
        return F.batch_norm(x, *values)

    def bottleneck(name, x, stride):
        out = F.relu(norm(f'{name}.bn1', F.conv2d(x, w[f'{name}.conv1.weight'])))
        out = F.conv2d(out, w[f'{name}.conv2.weight'], stride=stride, padding=1, groups=groups)
        out = norm(f'{name}.bn3', F.conv2d(F.relu(norm(f'{name}.bn2', out)), w[f'{name}.conv3.weight']))
        if f'{name}.downsample.0.weight' in w:
            shortcut = F.conv2d(x, w[f'{name}.downsample.0.weight'], stride=stride)
            x = norm(f'{name}.downsample.1', shortcut)
        return F.relu(out + x)

    x = F.relu(norm('bn1', F.conv2d(x, w['conv1.weight'], stride=2, padding=3)))
    features = []
    for layer, num_blocks in enumerate(blocks, start=1):
        if num_blocks is None:
            x = F.relu(norm('layer2.bn', F.conv2d(x, w['layer2.conv.weight'], stride=2)))
        for i in range(num_blocks or 0):
            x = bottleneck(f'layer{layer}.{i}', x, 2 if i == 0 and layer > 1 else 1)
        features.append(x)
    return features


@pytest.mark.parametrize(('depth', 'blocks'), [(50, (3, None, 4, 6, 3)), (101, (3, None, 4, 23, 3))])
def test_stages_follow_the_design(depth, blocks):
    backbone = build(depth).double()
    x = images((75, 53), torch.float64)
    expected = by_hand(backbone.state_dict(), x, blocks, SMALL['groups'])
    for ours, theirs in zip(backbone(x), expected, strict=True):
        assert theirs.abs().mean() > 0.01
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    names = {name.split('.')[0] for name in backbone.state_dict()}
    assert names == {'conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'layer5'}
    for layer, count in enumerate(blocks, start=1):
        assert count is None or len(getattr(backbone, f'layer{layer}')) == count
    for ours, theirs in zip(backbone.forward_stages(x), expected[1:], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_widths_of_the_default():
    """32 groups of 8: outputs of 256 to 4096, and bottlenecks as wide as their outputs."""
    with torch.device('meta'):
        backbone = MODELS.build(dict(type='CascadedResNeXt', depth=50))
        features = backbone(torch.empty(1, 3, 800, 1344))
    assert [f.shape[1] for f in features] == [256, 512, 1024, 2048, 4096]
    assert [f.shape[2:] for f in features] == [(400, 672), (200, 336), (100, 168), (50, 84), (25, 42)]
    widths = {
        layer: getattr(backbone, layer)[0].conv2 for layer in ('layer1', 'layer3', 'layer4', 'layer5')
    }
    assert [conv.out_channels for conv in widths.values()] == [256, 1024, 2048, 4096]
    assert {conv.groups for conv in widths.values()} == {32}


@pytest.mark.parametrize('size', [(64, 96), (75, 53), (33, 1), (1, 1)])
def test_sizes_are_halved_and_rounded_up(size):
    for feature in build()(images(size)):
        size = tuple((side + 1) // 2 for side in size)
        assert tuple(feature.shape[2:]) == size


def test_groups_and_base_width():
    backbone = build(groups=2, base_width=8)
    assert backbone.layer1[0].conv2.groups == 2
    assert backbone.layer1[0].conv2.out_channels == 2 * 8 * 16 // 16
    assert backbone.layer5[0].conv2.out_channels == 2 * 8 * 16


def test_weights_of_a_plain_resnext_load_where_they_fit(tmp_path):
    plain = ResNeXt(depth=50, **SMALL)
    plain.init_weights()
    torch.save(plain.state_dict(), tmp_path / 'resnext.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnext.pth'))
    ours, theirs = build(init_cfg=init_cfg).state_dict(), plain.state_dict()
    shared = [name for name in ours if name in theirs]
    assert all(torch.equal(ours[name], theirs[name]) for name in shared)
    blocks = {'.'.join(name.split('.')[:2]) for name in shared if name.startswith('layer')}
    assert blocks == {f'layer1.{i}' for i in range(3)} | {f'layer3.{i}' for i in range(4)} | {
        f'layer4.{i}' for i in range(3)
    }


@pytest.mark.parametrize('frozen_stages', range(-1, 6))
def test_freezing(frozen_stages):
    backbone = build(training=True, norm_eval=False, frozen_stages=frozen_stages)
    order = ['conv1', 'bn1', 'layer1', 'layer2', 'layer3', 'layer4', 'layer5']
    frozen = order[: 0 if frozen_stages < 0 else 2 + frozen_stages]
    for name, parameter in backbone.named_parameters():
        assert parameter.requires_grad == (name.split('.')[0] not in frozen), name
    for name, module in backbone.named_modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.training == (name.split('.')[0] not in frozen), name


def test_norm_eval():
    backbone = build(training=True, norm_eval=True)
    assert not any(m.training for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d))
    assert backbone.layer1.training


@pytest.mark.parametrize('with_cp', [False, True])
def test_gradients_reach_every_parameter(with_cp):
    gradients = {}
    for checkpointed in (False, with_cp):
        backbone = build(training=True, norm_eval=True, with_cp=checkpointed)
        sum(feature.square().mean() for feature in backbone(images())).backward()
        gradients[checkpointed] = {n: p.grad for n, p in backbone.named_parameters()}
    for name, gradient in gradients[with_cp].items():
        assert gradient.abs().sum() > 0, name
        torch.testing.assert_close(gradient, gradients[False][name])


def test_deep_stem():
    assert [f.shape[1] for f in build(deep_stem=True, avg_down=True)(images())] == [
        64,
        128,
        256,
        512,
        1024,
    ]


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(depth=152), r'backbone\.depth must be one of \(50, 101\), got 152'),
        (dict(frozen_stages=6), r'backbone\.frozen_stages must be -1\.\.5, got 6'),
        (dict(out_indices=(0, 1)), 'leave out_indices out of the backbone'),
        (dict(strides=(1, 2, 2, 2), dcn=dict(type='DCN')), 'leave strides, dcn out'),
    ],
)
def test_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)


def test_efpn_over_it_begins_at_stride_two():
    backbone, x = build(), images()
    stages = backbone(x)
    neck = MODELS.build(
        dict(
            type='EFPN',
            in_channels=[stage.shape[1] for stage in stages],
            out_channels=16,
            num_outs=6,
            ftt=dict(type='PointwiseFTT'),
        )
    )
    sizes = [tuple(level.shape[1:]) for level in neck(stages)]
    assert sizes == [(16, 32, 48), (16, 16, 24), (16, 8, 12), (16, 4, 6), (16, 2, 3), (16, 1, 2)]
