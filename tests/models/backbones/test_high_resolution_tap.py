"""HighResolutionTap against the backbones it wraps and their stems run by hand."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.runner import load_state_dict
from mmengine.runner.checkpoint import get_state_dict
from torch import nn

from mmdet_efpn.models import HighResolutionTap


def hrnet():
    def stage(block, widths):
        return dict(
            num_modules=1,
            num_branches=len(widths),
            block=block,
            num_blocks=(1,) * len(widths),
            num_channels=widths,
        )

    return dict(
        type='HRNet',
        extra=dict(
            stage1=stage('BOTTLENECK', (8,)),
            stage2=stage('BASIC', (4, 8)),
            stage3=stage('BASIC', (4, 8, 16)),
            stage4=stage('BASIC', (4, 8, 16, 32)),
        ),
    )


TRANSFORMER = dict(embed_dims=8, num_layers=[1, 1, 1, 1])
CSP = dict(deepen_factor=0.1, widen_factor=0.25, out_indices=(1, 2, 3, 4))
# By the name: the config, the width of C2' and how the backbone's own stem makes it.
TAPPED = {
    'ResNet': (dict(type='ResNet', depth=18), 64, lambda b, x: b.relu(b.bn1(b.conv1(x)))),
    'ResNetV1d': (dict(type='ResNetV1d', depth=50, base_channels=16), 16, lambda b, x: b.stem(x)),
    'Res2Net': (dict(type='Res2Net', depth=50, base_channels=16), 16, lambda b, x: b.stem(x)),
    'ResNeSt': (dict(type='ResNeSt', depth=50, base_channels=16), 16, lambda b, x: b.stem(x)),
    'RegNet': (dict(type='RegNet', arch='regnetx_400mf'), 32, lambda b, x: b.relu(b.bn1(b.conv1(x)))),
    'HRNet': (hrnet(), 64, lambda b, x: b.relu(b.bn1(b.conv1(x)))),
    'Darknet': (
        dict(type='Darknet', depth=53, out_indices=(2, 3, 4, 5)),
        64,
        lambda b, x: b.conv_res_block1(b.conv1(x)),
    ),
    'CSPDarknet': (dict(type='CSPDarknet') | CSP, 16, lambda b, x: b.stem(x)),
    'CSPNeXt': (dict(type='CSPNeXt') | CSP, 16, lambda b, x: b.stem(x)),
    'EfficientNet': (
        dict(type='EfficientNet', arch='b0', out_indices=(2, 3, 4, 5)),
        16,
        lambda b, x: b.layers[1](b.layers[0](x)),
    ),
    'MobileNetV2': (
        dict(type='MobileNetV2', out_indices=(1, 2, 4, 6)),
        16,
        lambda b, x: b.layer1(b.conv1(x)),
    ),
    'timm ResNet': (
        dict(type='TimmBackbone', model_name='test_resnet'),
        32,
        lambda b, x: b.timm_model.act1(b.timm_model.bn1(b.timm_model.conv1(x))),
    ),
    'timm EfficientNet': (
        dict(type='TimmBackbone', model_name='test_efficientnet'),
        16,
        lambda b, x: b.timm_model.blocks[0](b.timm_model.bn1(b.timm_model.conv_stem(x))),
    ),
}
WITH_STEM = {
    'Swin': dict(type='SwinTransformer', embed_dims=8, depths=(1,) * 4, num_heads=(1,) * 4),
    'PVT': dict(type='PyramidVisionTransformer') | TRANSFORMER,
    'PVTv2': dict(type='PyramidVisionTransformerV2') | TRANSFORMER,
    'timm ConvNeXt': dict(type='TimmBackbone', model_name='test_convnext'),
}
CONFIGS = {name: cfg for name, (cfg, *_) in TAPPED.items()} | WITH_STEM
ROUNDS_DOWN = ('PVT', 'timm ConvNeXt')
NEEDS_32 = ('HRNet', 'CSPDarknet')


def images(size=(64, 96)) -> torch.Tensor:
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))


def build(name_or_cfg='ResNet', training=False, **kwargs) -> HighResolutionTap:
    torch.manual_seed(0)
    cfg = CONFIGS.get(name_or_cfg) if isinstance(name_or_cfg, str) else name_or_cfg
    tap = MODELS.build(dict(type='HighResolutionTap', backbone=copy.deepcopy(cfg)) | kwargs)
    tap.train(training)
    return tap


@pytest.mark.parametrize('name', CONFIGS)
def test_outputs_and_state_dict_are_the_plain_backbones(name):
    tap, x = build(name), images()
    plain = MODELS.build(copy.deepcopy(CONFIGS[name]))
    missing, unexpected = plain.load_state_dict(tap.state_dict(), strict=False)
    assert not missing
    assert {key.split('.')[0] for key in unexpected} == (
        {'stride_two_stem'} if name in WITH_STEM else set()
    )
    again = build(name)
    with torch.no_grad():
        for parameter in again.parameters():
            parameter.zero_()
    holder, holders_weights = (
        nn.ModuleDict(dict(backbone=again)),
        {f'backbone.{key}': value for key, value in plain.state_dict().items()},
    )
    missing, unexpected = holder.load_state_dict(holders_weights, strict=False)
    assert not unexpected
    assert all('.stride_two_stem.' in key for key in missing)
    plain.eval()
    with torch.no_grad():
        expected = plain(x)
        c2_prime, *stages = again(x)
        for ours, theirs in zip(stages, expected, strict=True):
            assert torch.equal(ours, theirs)
        for ours, theirs in zip(again.forward_stages(x), expected, strict=True):
            assert torch.equal(ours, theirs)
    sizes = [tuple(feature.shape[2:]) for feature in (c2_prime, *stages)]
    assert sizes == [(32, 48), (16, 24), (8, 12), (4, 6), (2, 3)]
    assert c2_prime.shape[1] == again.c2_prime_channels


@pytest.mark.parametrize('name', TAPPED)
def test_c2_prime_is_the_backbones_own_stride_two_feature(name):
    _, width, stem = TAPPED[name]
    tap, x = build(name), images()
    with torch.no_grad():
        c2_prime = tap(x)[0]
        assert torch.equal(c2_prime, stem(tap.backbone, x))
    assert c2_prime.shape[1] == width == tap.c2_prime_channels
    assert c2_prime.abs().sum() > 0
    assert tap.stride_two_stem is None


def test_stem_is_two_convs_on_the_image():
    tap, x = build('Swin', stem_channels=12), images()
    w = tap.state_dict()
    expected = x
    for i, stride in enumerate((2, 1)):
        expected = F.conv2d(expected, w[f'stride_two_stem.{i}.conv.weight'], stride=stride, padding=1)
        norm = [
            w[f'stride_two_stem.{i}.bn.{k}'] for k in ('running_mean', 'running_var', 'weight', 'bias')
        ]
        expected = F.relu(F.batch_norm(expected, *norm))
    torch.testing.assert_close(tap(x)[0], expected)
    assert tap.c2_prime_channels == 12
    assert build('PVT', norm_cfg=None).stride_two_stem[0].conv.bias is not None


@pytest.mark.parametrize('name', CONFIGS)
def test_odd_sizes_are_octaves_or_refused(name):
    tap, x = build(name), images((75, 53))
    if name in ROUNDS_DOWN + NEEDS_32:
        with pytest.raises(ValueError, match=r'\(75, 53\).*pad_size_divisor=32'):
            tap(x)
        return
    size = (75, 53)
    for feature in tap(x):
        size = tuple((side + 1) // 2 for side in size)
        assert tuple(feature.shape[2:]) == size


@pytest.mark.parametrize('name', CONFIGS)
def test_gradients_reach_every_parameter(name):
    tap = build(name, training=True)
    sum(feature.square().mean() for feature in tap(images())).backward()
    unreached = {n for n, p in tap.named_parameters() if p.requires_grad and p.grad is None}
    plain = MODELS.build(copy.deepcopy(CONFIGS[name]))
    plain.train()
    sum(feature.square().mean() for feature in plain(images())).backward()
    assert unreached == {
        f'backbone.{n}' for n, p in plain.named_parameters() if p.requires_grad and p.grad is None
    }
    if name in WITH_STEM:
        assert all(p.grad.abs().sum() > 0 for p in tap.stride_two_stem.parameters())


@pytest.mark.parametrize('name', ['ResNet', 'CSPNeXt', 'Swin', 'timm EfficientNet'])
def test_checkpoints_carry_the_plain_names(name):
    tap = build(name)
    holder = nn.ModuleDict(dict(backbone=tap))
    for saved in (holder.state_dict(), get_state_dict(holder)):
        fresh = nn.ModuleDict(dict(backbone=build(name)))
        with torch.no_grad():
            for parameter in fresh.parameters():
                parameter.add_(1)
        load_state_dict(fresh, saved, strict=True)
        for (key, value), (_, expected) in zip(
            fresh['backbone'].named_parameters(), tap.named_parameters(), strict=True
        ):
            assert torch.equal(value, expected), key
        assert not any('backbone.backbone' in key for key in saved)


def test_pretrained_init_cfg_of_the_wrapped_backbone(tmp_path):
    plain = MODELS.build(dict(type='ResNet', depth=18))
    plain.init_weights()
    torch.save(dict(state_dict=plain.state_dict()), tmp_path / 'resnet18.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet18.pth'))
    tap = build(dict(type='ResNet', depth=18, init_cfg=init_cfg))
    tap.init_weights()
    assert list(tap.state_dict()) == list(plain.state_dict())
    for name, value in tap.state_dict().items():
        assert torch.equal(value, plain.state_dict()[name]), name


def test_pretrained_init_cfg_of_the_tap_loads_the_stem_too(tmp_path):
    source = build('Swin')
    weights = {
        f'backbone.{name}': value + 1
        for name, value in source.state_dict().items()
        if 'relative_position_index' not in name
    }
    torch.save(weights, tmp_path / 'detector.pth')
    tap = build(
        'Swin',
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'detector.pth'), prefix='backbone.'),
    )
    tap.init_weights()
    for name, value in weights.items():
        assert torch.equal(tap.state_dict()[name.removeprefix('backbone.')], value), name


def test_freezing_and_train_mode_stay_the_backbones():
    cfg = dict(type='ResNet', depth=18, frozen_stages=1, norm_eval=True)
    tap, plain = build(cfg, training=True), MODELS.build(cfg)
    plain.train()
    assert tap.c2_prime_channels == 64  # asking changes nothing
    for ours, theirs in zip(tap.backbone.modules(), plain.modules(), strict=True):
        assert ours.training == theirs.training
    for ours, theirs in zip(tap.backbone.parameters(), plain.parameters(), strict=True):
        assert ours.requires_grad == theirs.requires_grad
    features = tap(images())
    assert not features[0].requires_grad
    assert features[2].requires_grad
    live = build(dict(type='ResNet', depth=18, norm_eval=False), training=True)
    before = {name: buffer.clone() for name, buffer in live.named_buffers()}
    assert live.c2_prime_channels == 64
    assert all(torch.equal(buffer, before[name]) for name, buffer in live.named_buffers())


@pytest.mark.parametrize(
    'cfg',
    [dict(type='ResNet', depth=50, base_channels=16), hrnet(), CONFIGS['Swin']],
    ids=lambda cfg: cfg['type'],
)
def test_activation_checkpointing_gives_the_same_gradients(cfg):
    gradients = []
    for with_cp in (False, True):
        tap = build(cfg | dict(with_cp=with_cp), training=True)
        tap.eval()  # no norm changes and nothing is dropped
        sum(feature.square().mean() for feature in tap(images())).backward()
        gradients.append([p.grad for p in tap.parameters()])
    for plain, checkpointed in zip(*gradients, strict=True):
        torch.testing.assert_close(plain, checkpointed)


@pytest.mark.parametrize('name', ['ResNet', 'Swin'])
def test_data_parallel_training(name, tmp_path):
    store = torch.distributed.FileStore(str(tmp_path / 'store'), 1)
    torch.distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    try:
        parallel = nn.parallel.DistributedDataParallel(build(name, training=True))
        for _ in range(2):  # unused parameters would show in the second step
            sum(feature.square().mean() for feature in parallel(images())).backward()
        del parallel  # before the group: as its last owner it may wait for the group's threads forever
    finally:
        torch.distributed.destroy_process_group()


def test_tap_names_any_submodule():
    tap, x = build('EfficientNet', tap='layers.1'), images()
    assert tap.c2_prime_channels == 32
    assert torch.equal(tap(x)[0], tap.backbone.layers[0](x))


@pytest.mark.parametrize(('level', 'stride'), enumerate((2, 4, 8)))
@pytest.mark.parametrize('name', ['ResNet', 'CSPNeXt', 'timm EfficientNet', 'PVTv2'])
def test_an_impulse_comes_out_at_its_cell(name, level, stride):
    """The cells that a bright spot moves are, on average, those at its place."""
    tap = build(name)
    image = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0)) * 0.1
    spot = image.clone()
    spot[:, :, 32:40, 80:88] += 3
    with torch.no_grad():
        moved = (tap(spot)[level] - tap(image)[level]).abs().sum(1)[0]
    moved[moved < 0.1 * moved.max()] = 0  # global attention moves every cell a little
    pixels = torch.arange(128 // stride) * float(stride)
    for profile, centre in ((moved.sum(1), 35.5), (moved.sum(0), 83.5)):
        assert abs((profile * pixels).sum() / profile.sum() - centre) < max(4, 1.2 * stride)


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(tap='conv9'), r"backbone\.tap 'conv9' is no submodule of ResNet, which has \['conv1'"),
        (
            dict(tap='layer1'),
            r"backbone\.tap 'layer1' gives a feature of \(16, 24\).*would be \(32, 48\)",
        ),
        (dict(tap='layer1.0.relu'), r"'layer1\.0\.relu' runs 2 times"),
        (dict(name_or_cfg='Darknet', tap='conv1.activate'), r'would be \(32, 48\)'),
        (
            dict(name_or_cfg=dict(type='CSPNeXt') | CSP | dict(out_indices=(0, 1, 2))),
            r'Leave stride 2 out of backbone\.backbone\.out_indices',
        ),
    ],
)
def test_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)(images())


def test_refuses_a_tap_inside_a_checkpointed_block():
    cfg = dict(type='ResNet', depth=18, with_cp=True)
    with pytest.raises(ValueError, match=r'under activation checkpointing.*with_cp=False'):
        build(cfg, tap='layer1.0.conv2', training=True)(images().requires_grad_())


def test_errors_of_the_backbone_itself_pass():
    with pytest.raises(RuntimeError, match=r'expected input.*to have 3 channels'):
        build()(torch.zeros(1, 4, 64, 64))
