"""ExtendedResNet and ExtendedResNeXt against stage 2 run by hand and against their parents."""

import copy

import pytest
import torch
from mmdet.models.backbones import ResNet, ResNeXt
from mmdet.registry import MODELS

import mmdet_efpn  # noqa: F401  (registers the backbones)

KINDS = {
    'ResNet-18': (dict(depth=18), 'ResNet'),
    'ResNet-50': (dict(depth=50), 'ResNet'),
    'ResNeXt-50': (dict(depth=50, groups=32, base_width=4), 'ResNeXt'),
}


def build(kind='ResNet-18', training=False, **kwargs):
    cfg, parent = KINDS[kind]
    torch.manual_seed(0)
    # Residual branches start at zero by default, which would leave half of a stage untested.
    backbone = MODELS.build({'type': f'Extended{parent}', 'zero_init_residual': False, **cfg, **kwargs})
    backbone.init_weights()
    if 'init_cfg' in kwargs:
        return backbone
    for name, buffer in backbone.named_buffers():  # statistics that a batch norm can get wrong
        if name.endswith('running_mean'):
            buffer.uniform_(-0.1, 0.1)
        elif name.endswith('running_var'):
            buffer.uniform_(0.5, 1.5)
    backbone.train(training)  # MMDetection's gives no self back
    return backbone


def images(size=(64, 96), batch=2):
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize('kind', KINDS)
def test_c2_prime_is_stage_two_on_the_unpooled_stem(kind):
    backbone = build(kind)
    x = images()
    c2_prime, *stages = backbone(x)
    assert 0.1 < c2_prime.mean() < 100  # neither dead nor overflown
    c1 = backbone.relu(backbone.bn1(backbone.conv1(x)))
    assert torch.equal(c2_prime, backbone.layer1(c1))
    assert torch.equal(stages[0], backbone.layer1(backbone.maxpool(c1)))
    assert c2_prime.shape[2:] == (32, 48)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('source', ['shared', 'stem'])
def test_other_outputs_and_state_dict_are_the_parents(kind, source):
    cfg, parent = KINDS[kind]
    plain = dict(ResNet=ResNet, ResNeXt=ResNeXt)[parent](**cfg)
    plain.eval()
    extended = build(kind, c2_prime=source)
    assert list(extended.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(extended.state_dict())
    x = images((75, 53))
    for ours, theirs in zip(extended(x)[1:], plain(x), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize('kind', KINDS)
def test_fewer_blocks_are_the_first_ones(kind):
    backbone, x = build(kind, c2_prime_blocks=1), images()
    c1 = backbone.relu(backbone.bn1(backbone.conv1(x)))
    c2_prime, *stages = backbone(x)
    assert torch.equal(c2_prime, backbone.layer1[0](c1))
    for ours, theirs in zip(stages, build(kind)(x)[1:], strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        (dict(c2_prime_blocks=3), r'backbone\.c2_prime_blocks must be 1 to 2, .* got 3'),
        (dict(c2_prime_blocks=0), r'backbone\.c2_prime_blocks must be 1 to 2, .* got 0'),
        (dict(c2_prime_blocks=1, c2_prime='stem'), r'backbone\.c2_prime="stem" does not run'),
    ],
)
def test_refuses_blocks_that_stage_two_has_not(bad, message):
    with pytest.raises(ValueError, match=message):
        build(**bad)


def test_stem_source_is_the_unpooled_stem():
    backbone, x = build('ResNet-50', c2_prime='stem'), images()
    c1 = backbone.relu(backbone.bn1(backbone.conv1(x)))
    assert torch.equal(backbone(x)[0], c1)
    assert c1.shape[1:] == (64, 32, 48)


def test_deep_stem():
    backbone, x = build('ResNet-50', deep_stem=True, avg_down=True), images()
    assert torch.equal(backbone(x)[0], backbone.layer1(backbone.stem(x)))


@pytest.mark.parametrize('size', [(64, 96), (75, 53), (33, 1), (1, 1)])
def test_sizes_are_halved_and_rounded_up(size):
    for feature in build()(images(size)):
        size = tuple((side + 1) // 2 for side in size)
        assert tuple(feature.shape[2:]) == size


@pytest.mark.parametrize('with_cp', [False, True])
def test_c2_prime_leaves_running_statistics_to_the_c2_pass(with_cp):
    """Training norms: the statistics become those of a plain ResNet, with checkpointing as well."""
    extended = build('ResNet-50', training=True, norm_eval=False, with_cp=with_cp)
    plain = ResNet(depth=50, norm_eval=False, with_cp=with_cp)
    plain.train()
    plain.load_state_dict(extended.state_dict())
    before = copy.deepcopy(extended.state_dict())
    for backbone in (extended, plain):
        sum(feature.mean() for feature in backbone(images().requires_grad_())).backward()
    for name, buffer in plain.named_buffers():
        assert not torch.equal(buffer, before[name]), name
        assert torch.equal(extended.get_buffer(name), buffer), name


def test_c2_prime_in_training_is_what_it_is_at_test_time():
    frozen_stem = build(norm_eval=False, frozen_stages=0)  # gives one C1 in both modes
    x = images()
    at_test_time = frozen_stem(x)
    frozen_stem.train()
    in_training = frozen_stem(x)
    assert torch.equal(in_training[0], at_test_time[0])
    assert not torch.allclose(in_training[1], at_test_time[1])


@pytest.mark.parametrize('with_cp', [False, True])
def test_gradients_of_both_passes_add_up(with_cp):
    """Stage 2's gradient is the sum of what C2' and C2 give alone."""

    def stage_gradient(select):
        backbone = build('ResNet-50', training=True, norm_eval=False, with_cp=with_cp)
        x = images().requires_grad_()
        c2_prime, c2, *_ = backbone(x)
        select(c2_prime.square().mean(), c2.square().mean()).backward()
        return {n: p.grad for n, p in backbone.layer1.named_parameters()}

    both = stage_gradient(lambda a, b: a + b)
    first, second = stage_gradient(lambda a, b: a + 0 * b), stage_gradient(lambda a, b: 0 * a + b)
    for name, gradient in both.items():
        torch.testing.assert_close(gradient, first[name] + second[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize('with_cp', [False, True])
def test_gradient_of_c2_prime_is_that_of_its_forward_pass(with_cp):
    """The C2 pass updates running statistics before the backward pass, which must not read the new."""
    backbone = build('ResNet-50', training=True, norm_eval=False, with_cp=with_cp).double()
    alone = copy.deepcopy(backbone)
    backbone(images().double())[0].square().mean().backward()
    alone.layer1.eval()
    for block in alone.layer1:
        block.with_cp = False
    alone.layer1(alone._stem_feature(images().double())).square().mean().backward()
    for (name, weight), expected in zip(
        backbone.layer1.named_parameters(), alone.layer1.parameters(), strict=True
    ):
        torch.testing.assert_close(weight.grad, expected.grad, rtol=1e-9, atol=1e-12, msg=name)


@pytest.mark.parametrize('norm_eval', [False, True])
@pytest.mark.parametrize('with_cp', [False, True])
def test_data_parallel_training(with_cp, norm_eval, tmp_path):
    """Stage 2's weights serve two passes, and are still reduced once a step."""
    store = torch.distributed.FileStore(str(tmp_path / 'store'), 1)
    torch.distributed.init_process_group('gloo', store=store, rank=0, world_size=1)
    try:
        backbone = build('ResNet-50', training=True, norm_eval=norm_eval, with_cp=with_cp)
        parallel = torch.nn.parallel.DistributedDataParallel(backbone)
        for _ in range(2):  # unused parameters would show in the second step
            sum(feature.square().mean() for feature in parallel(images())).backward()
        assert all(p.grad.abs().sum() > 0 for p in backbone.layer1.parameters())
        del parallel  # before the group: as its last owner it may wait for the group's threads forever
    finally:
        torch.distributed.destroy_process_group()


def test_freezing_and_norm_eval():
    backbone = build(training=True, frozen_stages=1, norm_eval=True)
    assert not any(p.requires_grad for p in backbone.layer1.parameters())
    assert not any(m.training for m in backbone.modules() if isinstance(m, torch.nn.BatchNorm2d))
    features = backbone(images())
    assert not features[0].requires_grad
    assert features[2].requires_grad
    before = {n: b.clone() for n, b in backbone.named_buffers()}
    backbone(images())
    assert all(torch.equal(b, before[n]) for n, b in backbone.named_buffers())


def test_deformable_convs_and_out_indices():
    backbone = build(
        'ResNet-50',
        dcn=dict(type='DCN', deform_groups=1, fallback_on_stride=False),
        stage_with_dcn=(True, True, False, False),
        out_indices=(0, 1, 2),
    )
    assert any('conv_offset' in name for name in backbone.state_dict())
    assert [f.shape[1] for f in backbone(images())] == [256, 256, 512, 1024]


def test_checkpoint_of_a_plain_resnet_loads_through_init_cfg(tmp_path):
    plain = ResNet(depth=18)
    plain.init_weights()
    torch.save(plain.state_dict(), tmp_path / 'resnet18.pth')
    extended = build(init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'resnet18.pth')))
    for name, value in extended.state_dict().items():
        assert torch.equal(value, plain.state_dict()[name]), name


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(c2_prime='c1'), r"backbone\.c2_prime must be one of \('shared', 'stem'\), got 'c1'"),
        (dict(strides=(2, 2, 2, 2)), r'backbone\.strides must begin with 1'),
    ],
)
def test_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        build(**kwargs)
