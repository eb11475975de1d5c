"""ExtendedNeck against the necks it wraps, and its extension against the formula of P2'."""

import copy
import pickle

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from mmengine.runner import load_state_dict
from mmengine.runner.checkpoint import get_state_dict

from mmdet_efpn.models import EFPN, ExtendedNeck, HighResolutionTap
from mmdet_efpn.utils.errors import UserError

C2_PRIME = 6
STAGES = [8, 16, 32, 64]  # widths of C2, C3, C4, C5
WIDTH = 16
FTT = dict(type='FTT', hidden_channels=5)
ACT = dict(type='ReLU')
NECKS = {
    'FPN': dict(type='FPN', num_outs=5),
    'PAFPN': dict(type='PAFPN', num_outs=5),
    'BFP after FPN': [
        dict(type='FPN', num_outs=5),
        dict(type='BFP', in_channels=WIDTH, num_levels=5, refine_level=2, refine_type='non_local'),
    ],
    'FPN_CARAFE': dict(type='FPN_CARAFE', num_outs=5),
    'HRFPN': dict(type='HRFPN', num_outs=5),
    'CSPNeXtPAFPN': dict(type='CSPNeXtPAFPN', num_csp_blocks=1, expand_ratio=0.5, act_cfg=ACT),
    'YOLOXPAFPN': dict(type='YOLOXPAFPN', num_csp_blocks=1, act_cfg=ACT),
    'ChannelMapper': dict(type='ChannelMapper', num_outs=5, act_cfg=None),
}
NECKS = {
    name: [dict(in_channels=STAGES, out_channels=WIDTH) | cfg[0], *cfg[1:]]
    if isinstance(cfg, list)
    else dict(in_channels=STAGES, out_channels=WIDTH) | cfg
    for name, cfg in NECKS.items()
}


def features(size=(64, 96), dtype=torch.float32) -> list[torch.Tensor]:
    torch.manual_seed(0)
    maps = []
    for width in (C2_PRIME, *STAGES):
        size = tuple((side + 1) // 2 for side in size)
        maps.append(torch.randn(2, width, *size, dtype=dtype))
    return maps


def plain(kind) -> torch.nn.Module:
    torch.manual_seed(0)
    neck = MODELS.build(copy.deepcopy(NECKS[kind]))
    neck.init_weights()
    neck.eval()
    return neck


def extended(kind='PAFPN', **kwargs) -> ExtendedNeck:
    torch.manual_seed(0)
    cfg = dict(type='ExtendedNeck', neck=copy.deepcopy(NECKS[kind]), ftt=FTT, c2_prime_channels=C2_PRIME)
    neck = MODELS.build(cfg | kwargs)
    neck.init_weights()
    neck.eval()
    return neck


def run_or_skip(neck, inputs):
    """CARAFE is an operator of mmcv that builds for the CPU may lack."""
    try:
        return neck(inputs)
    except (RuntimeError, NotImplementedError) as error:
        if 'carafe' not in str(error).lower():
            raise
        pytest.skip(f'this build of mmcv has no CARAFE for the CPU: {error}')


@pytest.mark.parametrize('kind', NECKS)
def test_levels_above_p2_prime_are_the_wrapped_necks(kind):
    wrapped, neck, maps = plain(kind), extended(kind), features()
    missing, unexpected = neck.load_state_dict(wrapped.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith('extension.') for name in missing)
    expected = run_or_skip(wrapped, maps[1:])
    p2_prime, *levels = neck(maps)
    assert p2_prime.shape == (2, WIDTH, 32, 48)
    for ours, theirs in zip(levels, expected, strict=True):
        assert torch.equal(ours, theirs)
    fine_sizes = [tuple(level.shape[1:]) for level in levels[:4]]
    assert fine_sizes == [(WIDTH, 16, 24), (WIDTH, 8, 12), (WIDTH, 4, 6), (WIDTH, 2, 3)]


@pytest.mark.parametrize('kind', ['PAFPN', 'BFP after FPN', 'CSPNeXtPAFPN'])
def test_checkpoints_carry_the_plain_names_both_ways(kind):
    wrapped, neck = plain(kind), extended(kind)
    with torch.no_grad():
        for parameter in neck.parameters():
            parameter.add_(1)
    holder = torch.nn.ModuleDict(dict(neck=neck))  # as in a detector
    for saved in (holder.state_dict(), get_state_dict(holder)):
        names = [f'neck.{name}' for name in wrapped.state_dict()]
        assert list(saved)[: len(names)] == names
        assert all(name.startswith('neck.extension.') for name in list(saved)[len(names) :])
        fresh = torch.nn.ModuleDict(dict(neck=extended(kind)))
        fresh.load_state_dict(saved)
        load_state_dict(torch.nn.ModuleDict(dict(neck=wrapped)), saved)
        for name, value in neck.neck.state_dict().items():
            assert torch.equal(wrapped.state_dict()[name], value), name
            assert torch.equal(fresh['neck'].neck.state_dict()[name], value), name
    for twin in (copy.deepcopy(neck), pickle.loads(pickle.dumps(neck))):
        twin.load_state_dict(wrapped.state_dict(), strict=False)
        assert list(twin.state_dict()) == list(neck.state_dict())


@pytest.mark.parametrize('size', [(64, 96), (75, 101), (33, 31)])
def test_p2_prime_follows_the_formula(size):
    neck, maps = extended('PAFPN').double(), features(size, torch.float64)
    p2, p3 = neck.neck(maps[1:])[:2]
    w = neck.state_dict()
    fused = F.conv2d(maps[0], w['extension.lateral_conv.conv.weight'])
    p3_prime = neck.extension.ftt(p2, p3)
    rows, columns = (torch.arange(side) // 2 for side in fused.shape[2:])
    fused = fused + p3_prime[:, :, rows][:, :, :, columns]
    expected = F.conv2d(fused, w['extension.output_conv.conv.weight'], padding=1)
    torch.testing.assert_close(neck(maps)[0], expected, rtol=1e-10, atol=1e-12)


def test_fpn_with_extension_is_efpn_on_outputs():
    efpn = EFPN([C2_PRIME, *STAGES], WIDTH, 6, ftt=FTT, ftt_source='on_output')
    neck, maps = extended('FPN'), features()
    efpn.load_state_dict(neck.state_dict())
    for ours, theirs in zip(neck(maps), efpn(maps), strict=True):
        assert torch.equal(ours, theirs)
    ours, theirs = neck.forward_pyramid(maps[1:]), efpn.forward_pyramid(maps[1:])
    assert torch.equal(ours.p2, theirs.p2)
    assert torch.equal(ours.p3, theirs.p3)
    assert len(ours.levels) == len(theirs.levels) == 5


@pytest.mark.parametrize('with_c2_prime', [False, True])
def test_levels_without_p2_prime(with_c2_prime):
    maps = features()
    cfg = dict(c2_prime_channels=C2_PRIME if with_c2_prime else None)
    inputs = maps if with_c2_prime else maps[1:]
    neck = extended(levels='p3_prime', **cfg)
    p3_prime, *above = neck(inputs)
    p2, *rest = neck.neck(maps[1:])
    assert torch.equal(p3_prime, neck.extension.ftt(p2, rest[0]))
    assert len(above) == 4
    assert all(map(torch.equal, above, rest))
    assert not any('_conv.conv' in name for name in neck.extension.state_dict())
    plain_levels = extended(levels='without_p2_prime', ftt=None, **cfg)
    assert plain_levels.extension is None
    assert list(plain_levels.state_dict()) == list(plain('PAFPN').state_dict())
    for ours, theirs in zip(plain_levels(inputs), plain('PAFPN')(maps[1:]), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize('levels', ExtendedNeck.LEVELS)
@pytest.mark.parametrize('kind', [kind for kind in NECKS if kind != 'FPN_CARAFE'])
def test_gradients_reach_every_parameter(kind, levels):
    neck = extended(kind, levels=levels)
    neck.train()
    with torch.no_grad():  # BFP's non-local block starts as the identity
        for name, parameter in neck.named_parameters():
            if 'conv_out' in name:
                parameter.normal_()
    sum(level.square().mean() for level in neck(features())).backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    'ftt',
    [
        dict(type='PointwiseFTT'),
        dict(type='LightFTT'),
        dict(type='SwinFTT', embed_dims=8, depths=(2, 2), num_heads=2, window_size=4),
        dict(type='HATFTT', embed_dims=8, depths=(1, 1), num_heads=2, window_size=4, squeeze_factor=2),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_any_ftt_extends_any_neck(ftt):
    neck = extended('PAFPN', ftt=ftt)
    neck.train()
    levels = neck(features())
    assert levels[0].shape == (2, WIDTH, 32, 48)
    levels[0].square().mean().backward()
    for name, parameter in neck.extension.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(('levels', 'fine_strides'), [('all', (2, 4)), ('p3_prime', (4, 8))])
@pytest.mark.parametrize(('top', 'left'), [(48, 128), (144, 32)])
def test_an_impulse_comes_out_at_its_cell(levels, fine_strides, top, left):
    """A spot in the image moves the cells at its place, at the strides that ``levels`` says."""
    torch.manual_seed(0)
    backbone = HighResolutionTap(dict(type='ResNet', depth=18, base_channels=8))
    neck = extended(c2_prime_channels=backbone.c2_prime_channels, levels=levels)
    backbone.eval()
    image = torch.randn(1, 3, 192, 192) * 0.1
    spot = image.clone()
    spot[:, :, top : top + 8, left : left + 8] += 3
    with torch.no_grad():
        before, after = neck(backbone(image)), neck(backbone(spot))
    for stride, old, new in zip(fine_strides, before, after, strict=False):
        moved = (new - old).abs().sum(1)[0]
        assert moved.shape == (192 // stride, 192 // stride)
        row, column = divmod(int(moved.argmax()), 192 // stride)
        assert abs(row * stride - (top + 3.5)) <= 8 + stride
        assert abs(column * stride - (left + 3.5)) <= 8 + stride


def test_init_cfg():
    """The wrapped neck keeps its own initialisation; ``init_cfg`` sets the rest."""
    constant = dict(type='Constant', layer='Conv2d', val=0.5)
    neck = extended(init_cfg=constant)
    assert (neck.extension.output_conv.conv.weight == 0.5).all()
    assert (neck.extension.ftt.tail[1].weight == 0.5).all()
    assert not (neck.neck.lateral_convs[0].conv.weight == 0.5).any()
    inner = extended(neck=NECKS['PAFPN'] | dict(init_cfg=constant))
    assert (inner.neck.lateral_convs[0].conv.weight == 0.5).all()
    weight = inner.extension.output_conv.conv.weight  # Xavier: uniform in +-sqrt(6 / (fan in + out))
    bound = (6 / (2 * 9 * WIDTH)) ** 0.5
    assert 0.95 * bound < weight.abs().max() <= bound


def test_pretrained_init_cfg_of_the_wrapped_neck(tmp_path):
    source = plain('PAFPN')
    torch.save({f'neck.{k}': v + 1 for k, v in source.state_dict().items()}, tmp_path / 'plain.pth')
    init_cfg = dict(type='Pretrained', checkpoint=str(tmp_path / 'plain.pth'), prefix='neck.')
    for kwargs in (dict(neck=NECKS['PAFPN'] | dict(init_cfg=init_cfg)), dict(init_cfg=init_cfg)):
        neck = extended(**kwargs)
        for name, value in source.state_dict().items():
            assert torch.equal(neck.state_dict()[name], value + 1), name


def test_norms_and_activations_apply_to_the_extension():
    neck = extended(norm_cfg=dict(type='BN'), act_cfg=ACT)
    assert neck.extension.output_conv.with_norm
    assert neck.extension.lateral_conv.with_norm
    assert neck(features())[0].min() >= 0


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(levels='p2'), r"neck\.levels must be one of \('all', .*got 'p2'"),
        (dict(ftt=None), r'neck\.ftt'),
        (dict(c2_prime_channels=None), r'neck\.c2_prime_channels must be the width'),
        (
            dict(neck=NECKS['FPN'] | dict(start_level=1, num_outs=5)),
            r'neck\.neck\.start_level must be 0',
        ),
        (
            dict(
                neck=dict(
                    type='YOLOV3Neck', num_scales=3, in_channels=[32, 16, 8], out_channels=[16, 8, 8]
                )
            ),
            r'set neck\.out_channels',
        ),
        (
            dict(
                neck=dict(
                    type='EFPN', in_channels=[C2_PRIME, *STAGES], out_channels=WIDTH, num_outs=6, ftt=FTT
                )
            ),
            r"already has weights under the name 'extension'",
        ),
        (dict(neck=None), r'neck\.neck must be a config such as .*got None'),
        (dict(neck=[]), r'neck\.neck must be a config such as .*got \[\]'),
        (dict(neck={}), r'neck\.neck\.type is missing'),
        (
            dict(neck=NECKS['PAFPN'] | dict(num_out=5)),
            r"neck\.neck\.num_out: PAFPN has no argument 'num_out'; did you mean 'num_outs'\?",
        ),
        (
            dict(neck=NECKS['PAFPN'] | dict(num_outs=3)),
            r"'num_outs': 3}.*neck\.neck\.num_outs must be at least the number of neck",
        ),
        (
            dict(c2_channels=6),
            r"ExtendedNeck has no argument .* mean 'c2_prime_channels'",
        ),
        (dict(ftt={}), r'neck\.ftt\.type is missing'),
    ],
)
def test_refuses_at_build(kwargs, message):
    with pytest.raises(UserError, match=message):
        extended(**kwargs)


def test_refuses_wrong_inputs_at_the_first_forward():
    neck, maps = extended(), features()
    with pytest.raises(
        ValueError,
        match=r'\[6, 8, 16, 32, 64\], but the backbone gives features of '
        r"\[8, 16, 32, 64\].*first must be C2'",
    ):
        neck(maps[1:])
    with pytest.raises(ValueError, match=r'features of \[64, 32, 16, 8, 6\] channels'):
        neck(maps[::-1])
    with pytest.raises(ValueError, match=r'neck\.out_channels is 8, but neck\.neck gives maps of \[16'):
        extended(out_channels=8)(maps)
    from_stride_8 = extended(neck=NECKS['PAFPN'] | dict(in_channels=STAGES[1:], num_outs=4))
    with pytest.raises(ValueError, match=r'where it begins at stride 8, add C2 to backbone\.out_ind'):
        from_stride_8([maps[0], *maps[2:]])


def test_refuses_a_neck_that_gives_the_coarsest_level_first():
    class CoarsestFirst(torch.nn.ModuleList):
        def __init__(self, in_channels, out_channels):
            super().__init__(torch.nn.Conv2d(width, out_channels, 1) for width in in_channels)

        def forward(self, stages):
            return [conv(stage) for conv, stage in zip(self, stages, strict=True)][::-1]

    neck = extended(neck=dict(type=CoarsestFirst, in_channels=STAGES, out_channels=WIDTH))
    with pytest.raises(ValueError, match=r'finest first.*gives sizes \[\(2, 3\), \(4, 6\)'):
        neck(features())


def test_refuses_a_neck_of_one_level():
    neck = extended(neck=dict(type='ChannelMapper', in_channels=STAGES[:1], out_channels=WIDTH))
    with pytest.raises(ValueError, match='must give P2 and P3 at least, but gives 1 map'):
        neck(features()[:2])
