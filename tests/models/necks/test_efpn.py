"""EFPN against MMDetection's FPN, and its extension against the formula of P2'."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.models.necks import FPN
from mmdet.registry import MODELS
from torch import nn

from mmdet_efpn.models import EFPN, ExtendedResNet
from mmdet_efpn.utils.errors import UserError

WIDTHS = [6, 8, 12, 16, 20]  # C2', C2, C3, C4, C5
TINY_FTT = dict(type='FTT', hidden_channels=5)


def features(size=(64, 96), widths=WIDTHS, batch=2, dtype=torch.float32) -> list[torch.Tensor]:
    torch.manual_seed(0)
    maps = []
    for width in widths:
        size = tuple((side + 1) // 2 for side in size)
        maps.append(torch.randn(batch, width, *size, dtype=dtype))
    return maps


def efpn(**kwargs) -> EFPN:
    torch.manual_seed(0)
    cfg = dict(type='EFPN', in_channels=WIDTHS, out_channels=8, num_outs=6, ftt=TINY_FTT)
    neck = MODELS.build({**cfg, **kwargs})
    neck.init_weights()
    return neck


FPN_OPTIONS = [
    dict(num_outs=5),
    dict(num_outs=4),
    dict(num_outs=6, add_extra_convs='on_input'),
    dict(num_outs=6, add_extra_convs='on_lateral', relu_before_extra_convs=True),
    dict(num_outs=6, add_extra_convs='on_output', relu_before_extra_convs=True),
    dict(num_outs=5, add_extra_convs=True),
    dict(num_outs=5, norm_cfg=dict(type='GN', num_groups=2), act_cfg=dict(type='ReLU')),
    dict(num_outs=5, norm_cfg=dict(type='BN'), no_norm_on_lateral=True),
    dict(num_outs=5, upsample_cfg=dict(mode='bilinear', align_corners=False)),
    dict(num_outs=3, end_level=2),
]


@pytest.mark.parametrize('options', FPN_OPTIONS, ids=str)
def test_without_extension_equals_fpn(options):
    plain = FPN(in_channels=WIDTHS[1:], out_channels=8, **options)
    plain.init_weights()
    neck = EFPN(in_channels=WIDTHS[1:], out_channels=8, **options)
    neck.load_state_dict(plain.state_dict())
    stages = features(size=(75, 101))[1:]
    for ours, theirs in zip(neck(stages), plain(stages), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize('options', FPN_OPTIONS, ids=str)
@pytest.mark.parametrize('size', [(64, 96), (75, 101), (33, 31)])
def test_levels_above_p2_prime_equal_fpn(options, size):
    plain = FPN(in_channels=WIDTHS[1:], out_channels=8, **options)
    plain.init_weights()
    neck = efpn(**dict(options, num_outs=options['num_outs'] + 1))
    missing, unexpected = neck.load_state_dict(plain.state_dict(), strict=False)
    assert not unexpected
    assert all(name.startswith('extension.') for name in missing)
    maps = features(size)
    p2_prime, *levels = neck(maps)
    assert p2_prime.shape == (2, 8, *maps[0].shape[2:])
    for ours, theirs in zip(levels, plain(maps[1:]), strict=True):
        assert torch.equal(ours, theirs)


def test_start_level_without_extension_equals_fpn():
    options = dict(
        in_channels=WIDTHS[1:], out_channels=8, num_outs=5, start_level=1, add_extra_convs='on_output'
    )
    plain, neck = FPN(**options), EFPN(**options)
    neck.load_state_dict(plain.state_dict())
    stages = features()[1:]
    for ours, theirs in zip(neck(stages), plain(stages), strict=True):
        assert torch.equal(ours, theirs)


def up2(x, like):
    """Nearest neighbour by index."""
    rows, columns = (torch.arange(side) // 2 for side in like.shape[2:])
    return x[:, :, rows][:, :, :, columns]


@pytest.mark.parametrize('source', EFPN.FTT_SOURCES)
@pytest.mark.parametrize('size', [(64, 96), (75, 101)])
def test_p2_prime_follows_the_formula(source, size):
    neck = efpn(ftt_source=source).double()
    maps = features(size, dtype=torch.float64)
    w = neck.state_dict()

    def conv(name, x, padding=0):
        return F.conv2d(x, w[f'{name}.conv.weight'], w.get(f'{name}.conv.bias'), padding=padding)

    inner = [conv(f'lateral_convs.{i}', stage) for i, stage in enumerate(maps[1:])]
    for i in (2, 1, 0):
        inner[i] = inner[i] + up2(inner[i + 1], inner[i])
    if source == 'on_lateral':
        p2, p3 = inner[:2]
    else:
        p2, p3 = (conv(f'fpn_convs.{i}', inner[i], padding=1) for i in (0, 1))
    p3_prime = neck.extension.ftt(p2, p3)
    fused = conv('extension.lateral_conv', maps[0])
    expected = conv('extension.output_conv', fused + up2(p3_prime, fused), padding=1)
    torch.testing.assert_close(neck(maps)[0], expected, rtol=1e-10, atol=1e-12)
    assert 'extension.lateral_conv.conv.bias' not in w
    assert 'extension.output_conv.conv.bias' not in w


@pytest.mark.parametrize(
    'extension_cfg',
    [
        dict(separable=True),
        dict(channels=4),
        dict(p3_prime_scale=0.25),
        dict(channels=4, separable=True, p3_prime_scale=0.5),
    ],
    ids=str,
)
def test_optional_extensions_equal_their_formula(extension_cfg):
    neck, maps = efpn(extension_cfg=extension_cfg).double(), [f.double() for f in features((7, 9))]
    pyramid, extension = neck.forward_pyramid(maps[1:]), neck.extension
    p3_prime = extension.ftt(pyramid.p2, pyramid.p3)
    if 'channels' in extension_cfg:
        p3_prime = F.conv2d(p3_prime, extension.narrowing_conv.conv.weight)
    fused = F.conv2d(maps[0], extension.lateral_conv.conv.weight)
    assert fused.shape[1] == extension_cfg.get('channels', 8)
    if 'p3_prime_scale' in extension_cfg:
        factors = extension.p3_prime_scale.gamma
        assert factors.tolist() == [extension_cfg['p3_prime_scale']] * fused.shape[1]
        torch.nn.init.uniform_(factors, -1, 1)
        p3_prime = p3_prime * factors.view(-1, 1, 1)
    fused = fused + up2(p3_prime, fused)
    if 'separable' in extension_cfg:
        weight = extension.output_conv.depthwise_conv.conv.weight
        rows = [
            F.conv2d(fused[:, i : i + 1], weight[i : i + 1], padding=1) for i in range(fused.shape[1])
        ]
        expected = F.conv2d(torch.cat(rows, 1), extension.output_conv.pointwise_conv.conv.weight)
    else:
        expected = F.conv2d(fused, extension.output_conv.conv.weight, padding=1)
    torch.testing.assert_close(neck(maps)[0], expected, rtol=1e-10, atol=1e-12)
    assert not any('bias' in name for name in extension.state_dict() if not name.startswith('ftt.'))


def test_separable_p2_prime_starts_as_loud_as_that_of_one_conv():
    scales = {}
    for separable in (False, True):
        torch.manual_seed(0)
        neck = EFPN(
            [16, 16, 32, 64, 128],
            out_channels=64,
            num_outs=6,
            ftt=TINY_FTT,
            extension_cfg=dict(separable=separable),
        )
        neck.init_weights()
        maps = [
            torch.randn(1, c, s, s)
            for c, s in zip((16, 16, 32, 64, 128), (64, 32, 16, 8, 4), strict=True)
        ]
        with torch.no_grad():
            scales[separable] = neck(maps)[0].std().item()
    assert 0.5 < scales[True] / scales[False] < 2


@pytest.mark.parametrize(
    'ftt', [dict(type='FTT', hidden_channels=64), dict(type='LightFTT')], ids=lambda cfg: cfg['type']
)
@torch.no_grad()
def test_p3_prime_drowns_c2_prime_at_the_start_unless_it_is_quiet(ftt):
    widths = (16, 16, 32, 64, 128)
    torch.manual_seed(0)
    neck = EFPN(widths, out_channels=64, num_outs=6, ftt=ftt, extension_cfg=dict(p3_prime_scale=0.1))
    neck.init_weights()
    maps = features((128, 128), widths)
    pyramid, extension = neck.forward_pyramid(maps[1:]), neck.extension
    c2_prime = extension.lateral_conv(maps[0]).std()
    p3_prime = extension.ftt(pyramid.p2, pyramid.p3)
    assert p3_prime.std() > 2 * c2_prime > 2 * extension.p3_prime_scale(p3_prime).std()


def test_separable_conv_keeps_what_is_constant_under_weight_standardisation():
    """A standardised depthwise kernel sums to zero, and would take the mean off C2' plus P3'."""
    extension = efpn(conv_cfg=dict(type='ConvWS'), extension_cfg=dict(separable=True)).extension
    convs = [module for module in extension.output_conv.modules() if isinstance(module, nn.Conv2d)]
    assert [type(conv) for conv in convs] == [nn.Conv2d, nn.Conv2d]
    assert type(extension.lateral_conv.conv) is not nn.Conv2d


@pytest.mark.parametrize('channels', [0, -1, 2.5])
def test_refuses_a_bad_width_of_the_extension(channels):
    with pytest.raises(ValueError, match=r'neck\.extension_cfg: channels must be a positive integer'):
        efpn(extension_cfg=dict(channels=channels))


@pytest.mark.parametrize('scale', [0, -0.1, float('nan'), '0.1', True])
def test_refuses_a_bad_start_of_the_factor(scale):
    with pytest.raises(ValueError, match='p3_prime_scale must be a positive number, got ' + repr(scale)):
        efpn(extension_cfg=dict(p3_prime_scale=scale))


@pytest.mark.parametrize('size', [(64, 96), (1, 1), (2, 3), (17, 33), (127, 65)])
@pytest.mark.parametrize('ftt', [TINY_FTT, dict(type='PointwiseFTT')], ids=lambda c: c['type'])
def test_any_input_size(size, ftt):
    maps = features(size)
    levels = efpn(ftt=ftt)(maps)
    sizes = [tuple(level.shape[2:]) for level in levels]
    assert sizes[:5] == [tuple(feature.shape[2:]) for feature in maps]
    assert all(level.isfinite().all() for level in levels)


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(ftt=dict(type='LightFTT'), extension_cfg=dict(separable=True, p3_prime_scale=0.1)),
        dict(ftt=dict(type='LightFTT'), extension_cfg=dict(separable=True, channels=4)),
    ],
    ids=str,
)
def test_every_parameter_gets_a_gradient_and_changes(options):
    neck = efpn(**options)
    before = {name: value.clone() for name, value in neck.state_dict().items()}
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.1)
    sum(level.square().mean() for level in neck(features())).backward()
    for name, parameter in neck.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    optimizer.step()
    for name, parameter in neck.named_parameters():
        assert not torch.equal(parameter, before[name]), name


def test_p2_prime_alone_reaches_all_it_is_made_of():
    """P2' depends on the extension, all laterals and no 3x3 conv of the FPN."""
    neck = efpn()
    neck(features())[0].square().mean().backward()
    for name, parameter in neck.named_parameters():
        reached = parameter.grad is not None and parameter.grad.abs().sum() > 0
        assert reached == (not name.startswith('fpn_convs.')), name


def test_bfloat16_autocast():
    neck, maps = efpn(), features()
    exact = neck(maps)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = neck(maps)
    for a, b in zip(rough, exact, strict=True):
        torch.testing.assert_close(a.float(), b, rtol=0.05, atol=0.05 * b.abs().max().item())


def test_init_cfg_reaches_every_conv():
    neck = efpn(init_cfg=dict(type='Constant', layer='Conv2d', val=0.5))
    weights = {n: p for n, p in neck.named_parameters() if n.endswith('weight')}
    assert len(weights) > 10
    assert all((weight == 0.5).all() for weight in weights.values())


def test_norms_and_activations_apply_to_the_extension():
    neck = efpn(norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU'), no_norm_on_lateral=True)
    assert neck.extension.output_conv.with_norm
    assert neck.extension.output_conv.with_activation
    assert not neck.extension.lateral_conv.with_norm
    assert neck(features())[0].min() >= 0


@pytest.mark.parametrize(('level', 'stride'), list(enumerate((2, 4, 8, 16, 32))))
@pytest.mark.parametrize(('top', 'left'), [(96, 256), (288, 64), (176, 304)])
def test_an_impulse_comes_out_at_its_cell(level, stride, top, left):
    """A spot in the image, fed to a level by its own stage alone, moves the cells at its place.

    With the padding of stride-2 convs, cell (i, j) of a stage is centred on pixel (stride i, stride j).
    """
    torch.manual_seed(0)
    backbone = ExtendedResNet(depth=18, base_channels=16, zero_init_residual=False)
    backbone.init_weights()
    neck = efpn(in_channels=[16, 16, 32, 64, 128], out_channels=32)
    backbone.eval()
    image = torch.randn(1, 3, 384, 384) * 0.1
    spot = image.clone()
    spot[:, :, top : top + 8, left : left + 8] += 3

    def response(x):
        features = backbone(x)
        return neck([f if i == level else f * 0 for i, f in enumerate(features)])[level]

    with torch.no_grad():
        moved = (response(spot) - response(image)).abs().sum(1)[0]
    assert moved.shape == (384 // stride, 384 // stride)
    pixels = torch.arange(384 // stride) * float(stride)
    tolerance = max(1.5, 0.7 * stride)
    for profile, centre in ((moved.sum(1), top + 3.5), (moved.sum(0), left + 3.5)):
        assert abs((profile * pixels).sum() / profile.sum() - centre) < tolerance


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(in_channels=[8, 16]), r"neck\.in_channels must begin with C2'"),
        (dict(in_channels=[6, 8, 0, 16, 20]), r'neck\.in_channels must be positive integers'),
        (dict(start_level=1), r'neck\.start_level must be 0'),
        (dict(num_outs=4), r"neck\.num_outs counts P2' as well.*must be 5 or more, got 4"),
        (dict(end_level=2, num_outs=5), r'neck\.num_outs.*must be 4, got 5'),
        (dict(end_level=7), r'neck\.end_level'),
        (dict(ftt_source='inner'), r'neck\.ftt_source must be one of'),
        (dict(ftt=dict(type='FTT', channels=4)), r'neck\.ftt\.channels is 4, but neck\.out_channels'),
    ],
)
def test_refuses_at_build(kwargs, message):
    with pytest.raises(ValueError, match=message):
        efpn(**kwargs)


def test_refuses_an_ftt_that_breaks_the_contract():
    class NotAnFTT(torch.nn.Module):
        def __init__(self, channels):
            super().__init__()

    with pytest.raises(UserError, match=r'neck\.ftt must build a subclass of .*BaseFTT'):
        efpn(ftt=dict(type=NotAnFTT))


def test_refuses_wrong_inputs_at_the_first_forward():
    neck, maps = efpn(), features()
    with pytest.raises(
        ValueError,
        match=r'neck\.in_channels is \[6, 8, 12, 16, 20\], but the '
        r'backbone gives features of \[8, 12, 16, 20\]',
    ):
        neck(maps[1:])
    with pytest.raises(ValueError, match=r'features of \[20, 16, 12, 8, 6\] channels'):
        neck(maps[::-1])
    equal = efpn(in_channels=[8] * 5)
    with pytest.raises(ValueError, match='finest first, each half the size'):
        equal(features(widths=[8] * 5)[::-1])
    stages = features(widths=[8] * 5)
    with pytest.raises(ValueError, match='which break this at 0 and 1'):
        equal([F.max_pool2d(stages[0], 2), *stages[1:]])


def test_without_extension_channels_are_checked_too():
    neck = EFPN(in_channels=WIDTHS[1:], out_channels=8, num_outs=5)
    with pytest.raises(ValueError, match=r'neck\.in_channels'):
        neck(features())


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(ftt={}), r"neck\.ftt\.type is missing: write dict\(type='LightFTT'\)"),
        (
            dict(ftt='LightFTT'),
            r"neck\.ftt must be a config such as dict\(type='LightFTT'\), got 'LightFTT'",
        ),
        (
            dict(ftt=dict(type='LigthFTT')),
            r"neck\.ftt\.type 'LigthFTT' is not registered; did you mean 'LightFTT'",
        ),
        (
            dict(ftt=dict(type='LightFTT', hiden_channels=8)),
            r"neck\.ftt\.hiden_channels: LightFTT has no argument.*did you mean 'hidden_channels'\?",
        ),
        (
            dict(ftt=dict(type='HATFTT', embed_dim=8)),
            r"neck\.ftt\.embed_dim: HATFTT has no argument 'embed_dim'; did you mean 'embed_dims'\?",
        ),
        (
            dict(extension_cfg=dict(seperable=True)),
            r"neck\.extension_cfg\.seperable: .*did you mean 'separable'\?",
        ),
        (
            dict(extension_cfg=dict(sparse=True)),
            r'neck\.extension_cfg\.sparse: .* It takes channels, compile, lateral_bias',
        ),
        (dict(extension_cfg=True), r'neck\.extension_cfg must be a dict'),
        (dict(num_out=6), r"EFPN has no argument 'num_out'; did you mean 'num_outs'\?"),
    ],
)
def test_names_what_is_misspelt(changes, message):
    with pytest.raises(UserError, match=message):
        efpn(**changes)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(num_outs=3), r'neck\.num_outs .*must be 4 or more, got 3'),
        (dict(num_outs=5, end_level=2), r'neck\.num_outs .*must be 3, got 5'),
        (dict(num_outs=2, start_level=1), r'neck\.num_outs .*must be 3 or more, got 2'),
    ],
)
def test_wrong_num_outs_without_extension(options, message):
    with pytest.raises(UserError, match=message):
        EFPN(in_channels=WIDTHS[1:], out_channels=8, **options)
