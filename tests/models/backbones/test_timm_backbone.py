"""TimmBackbone against timm's own models."""

import pytest
import timm
import torch
from mmdet.registry import MODELS
from safetensors.torch import save_file

import mmdet_efpn  # noqa: F401  (registers the backbone)
from mmdet_efpn.utils.errors import MissingFileError, UserError


def build(model_name='test_efficientnet', **kwargs):
    torch.manual_seed(0)
    backbone = MODELS.build(dict(type='TimmBackbone', model_name=model_name) | kwargs)
    backbone.eval()
    return backbone


def images():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ('name', 'strides'),
    [
        ('test_efficientnet', [2, 4, 8, 16, 32]),
        ('test_resnet', [2, 4, 8, 16, 32]),
        ('test_convnext', [4, 8, 16, 32]),
    ],
)
def test_features_are_timms(name, strides):
    backbone, x = build(name), images()
    model = timm.create_model(name, features_only=True)
    model.eval()
    model.load_state_dict(
        {key.removeprefix('timm_model.'): value for key, value in backbone.state_dict().items()}
    )
    expected = dict(zip(strides, model(x), strict=True))
    stride_two = expected.pop(2, None)
    for ours, theirs in zip(backbone(x), expected.values(), strict=True):
        assert torch.equal(ours, theirs)
    assert backbone.strides == [4, 8, 16, 32]
    assert backbone.channels == [feature.shape[1] for feature in expected.values()]
    if stride_two is None:
        assert backbone.c2_prime_channels is None
    else:
        feature, stages = backbone.forward_with_stride_two(x)
        assert torch.equal(feature, stride_two)
        assert len(stages) == 4
        assert backbone.c2_prime_channels == stride_two.shape[1]


@pytest.mark.parametrize('name', ['test_efficientnet', 'test_convnext'])
def test_local_checkpoint_of_the_classifier(name, tmp_path):
    """A file of timm's weights, classifier included, is read by ``init_weights`` and not before."""
    classifier = timm.create_model(name)
    classifier.eval()
    with torch.no_grad():
        for parameter in classifier.parameters():
            parameter.add_(0.01)
    torch.save(classifier.state_dict(), tmp_path / 'weights.pth')
    backbone, x = build(name, checkpoint_path=str(tmp_path / 'weights.pth')), images()
    last = classifier.forward_intermediates(x, intermediates_only=True)[-1]
    assert not torch.allclose(backbone(x)[-1], last)
    backbone.init_weights()
    torch.testing.assert_close(backbone(x)[-1], last)


@pytest.mark.parametrize('name', ['test_efficientnet', 'test_convnext'])
@pytest.mark.parametrize('suffix', ['.pth', '.safetensors'])
def test_a_file_that_timm_saved_loads_by_init_cfg(name, suffix, tmp_path):
    """``Pretrained`` takes timm's own names, which are others than the feature model's."""
    torch.manual_seed(1)
    classifier = timm.create_model(name).eval()
    file = str(tmp_path / f'weights{suffix}')
    if suffix == '.pth':
        torch.save(classifier.state_dict(), file)
    else:
        save_file(classifier.state_dict(), file)
    backbone, x = build(name, init_cfg=dict(type='Pretrained', checkpoint=file)), images()
    last = classifier.forward_intermediates(x, intermediates_only=True)[-1]
    assert not torch.allclose(backbone(x)[-1], last)
    backbone.init_weights()
    torch.testing.assert_close(backbone(x)[-1], last)
    assert backbone.init_cfg == dict(type='Pretrained', checkpoint=file)


def test_a_file_of_this_class_loads_by_init_cfg(tmp_path):
    source = build()
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.add_(0.01)
    torch.save(source.state_dict(), tmp_path / 'weights.pth')
    backbone = build(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')))
    backbone.init_weights()
    for ours, theirs in zip(backbone(images()), source(images()), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_file_of_another_model_is_an_error(tmp_path):
    torch.save(timm.create_model('test_resnet').state_dict(), tmp_path / 'weights.pth')
    backbone = build(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')))
    with pytest.raises(UserError, match=r"does not hold the weights of timm's test_efficientnet"):
        backbone.init_weights()


def test_norm_eval_keeps_statistics_and_trains_scales():
    backbone = build(norm_eval=True).train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    sum(feature.square().mean() for feature in backbone(images())).backward()
    assert before
    assert all(torch.equal(before[name], value) for name, value in backbone.named_buffers())
    assert backbone.timm_model.bn1.weight.grad.abs().sum() > 0
    assert backbone.timm_model.conv_stem.training


def test_maps_are_contiguous_as_mmcvs_operators_need():
    backbone = build('test_convnext')
    assert all(feature.is_contiguous() for feature in backbone(images()))
    channels_last = images().to(memory_format=torch.channels_last)
    for ours, theirs in zip(backbone(channels_last), backbone(images()), strict=True):
        torch.testing.assert_close(ours, theirs)
        assert ours.is_contiguous(memory_format=torch.channels_last)


def test_local_checkpoint_inside_the_tap(tmp_path):
    classifier = timm.create_model('test_efficientnet')
    torch.save(classifier.state_dict(), tmp_path / 'weights.pth')
    timm_backbone = dict(
        type='TimmBackbone',
        model_name='test_efficientnet',
        checkpoint_path=str(tmp_path / 'weights.pth'),
    )
    tap = MODELS.build(dict(type='HighResolutionTap', backbone=timm_backbone))
    tap.init_weights()
    tap.eval()
    classifier.eval()
    features = classifier.forward_intermediates(images(), intermediates_only=True)
    for ours, theirs in zip(tap(images()), features, strict=True):
        torch.testing.assert_close(ours, theirs)


def test_pretrained_asks_timm_when_weights_are_initialised(monkeypatch):
    asked = []
    create_model = timm.create_model

    def without_network(*args, pretrained=False, **kwargs):
        asked.append(pretrained)
        return create_model(*args, **kwargs)

    monkeypatch.setattr(timm, 'create_model', without_network)
    backbone = build(pretrained=True)
    assert not any(asked)
    backbone.init_weights()
    assert asked.count(True) == 1


def test_out_indices_leave_out_what_nothing_reads():
    backbone = build('test_resnet', out_indices=(1, 2))
    assert backbone.strides == [4, 8]
    assert backbone.c2_prime_channels == 32
    sum(f.square().mean() for f in (*backbone(images()),)).backward()
    assert all(p.grad is not None for p in backbone.parameters())


def test_blocks_that_nothing_reads_are_left_out():
    """Timm's EfficientNets run to their last block; ours stop, and give the same features."""
    torch.manual_seed(0)
    short = build('test_efficientnet', out_indices=(1, 2)).eval()
    whole = build('test_efficientnet', out_indices=(1, 2, 3, 4)).eval()
    assert len(short.timm_model.blocks) < len(whole.timm_model.blocks)
    lacking = short.timm_model.load_state_dict(whole.timm_model.state_dict(), strict=False)
    assert not lacking.missing_keys
    image = torch.rand(1, 3, 64, 64)
    for ours, theirs in zip(short(image), whole(image), strict=False):
        assert torch.equal(ours, theirs)


def test_channels_last_models_are_turned():
    backbone = build(
        'swin_tiny_patch4_window7_224',
        embed_dim=16,
        depths=(1,) * 4,
        num_heads=(1,) * 4,
        img_size=(64, 96),
    )
    assert [tuple(f.shape[1:]) for f in backbone(images())] == [
        (16, 16, 24),
        (32, 8, 12),
        (64, 4, 6),
        (128, 2, 3),
    ]


def test_image_channels():
    assert build(in_channels=1)(torch.zeros(1, 1, 64, 64))[0].shape[2:] == (16, 16)


@pytest.mark.parametrize(
    ('kwargs', 'error', 'message'),
    [
        (
            dict(model_name='efficientnet_bO'),
            UserError,
            r"backbone\.model_name 'efficientnet_bO' is no model of timm .*did you mean efficientnet_b",
        ),
        (dict(model_name='qqq'), UserError, r'see timm\.list_models'),
        (
            dict(checkpoint_path='/nowhere/weights.pth'),
            MissingFileError,
            r'backbone\.checkpoint_path is not a file: /nowhere/weights\.pth',
        ),
        (dict(out_indices=(3, 5)), UserError, r'backbone\.out_indices must be some of 0\.\.4'),
        (
            dict(model_name='test_vit'),
            UserError,
            r"'test_vit' gives features of strides \[16, 16, 16\]",
        ),
        (
            dict(out_indicies=(1, 2)),
            UserError,
            r"backbone\.out_indicies: neither TimmBackbone nor test_effic.*mean 'out_indices'\?",
        ),
    ],
)
def test_refuses(kwargs, error, message):
    with pytest.raises(error, match=message):
        build(**kwargs)
