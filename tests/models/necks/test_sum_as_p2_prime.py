"""P2' as the sum itself, with a biased lateral: the detectron2 implementation's form."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

import mmdet_efpn  # noqa: F401  (registers the necks)
from mmdet_efpn.utils.errors import UserError

WIDTHS = [6, 8, 12, 16, 20]  # C2', C2, C3, C4, C5
FORM = dict(output_conv=False, lateral_bias=True)


def neck(kind='EFPN', extension_cfg=FORM, **kwargs):
    torch.manual_seed(0)
    ftt = dict(type='PointwiseFTT')
    if kind == 'EFPN':
        cfg = dict(in_channels=WIDTHS, out_channels=8, num_outs=5, ftt_source='on_output', **kwargs)
    else:
        inner = dict(type='FPN', in_channels=WIDTHS[1:], out_channels=8, num_outs=4)
        cfg = dict(neck=inner, c2_prime_channels=WIDTHS[0], **kwargs)
    built = MODELS.build(dict(type=kind, ftt=ftt, extension_cfg=extension_cfg, **cfg))
    built.init_weights()
    return built


def features(size=(75, 101)):
    torch.manual_seed(1)
    maps = []
    for width in WIDTHS:
        size = tuple((side + 1) // 2 for side in size)
        maps.append(torch.randn(2, width, *size, dtype=torch.float64))
    return maps


@pytest.mark.parametrize('size', [(64, 96), (75, 101), (33, 31)])
@pytest.mark.parametrize('kind', ['EFPN', 'ExtendedNeck'])
def test_it_follows_the_formula(kind, size):
    built, maps = neck(kind).double(), features(size)
    lateral = built.extension.lateral_conv.conv
    assert lateral.bias.abs().sum() == 0  # to begin with
    torch.nn.init.normal_(lateral.bias)
    p2_prime, p2, p3, *_ = built(maps)
    fused = F.conv2d(maps[0], lateral.weight) + lateral.bias.view(-1, 1, 1)
    p3_prime = built.extension.ftt(p2, p3)
    rows, columns = (torch.arange(side) // 2 for side in fused.shape[2:])
    expected = fused + p3_prime[:, :, rows][:, :, :, columns]
    torch.testing.assert_close(p2_prime, expected, rtol=1e-10, atol=1e-12)
    assert not any('output_conv' in name for name in built.extension.state_dict())


@pytest.mark.parametrize('options', [dict(output_conv=False), dict(lateral_bias=True)], ids=str)
def test_each_option_alone(options):
    names = set(neck(extension_cfg=options).extension.state_dict())
    assert ('output_conv.conv.weight' in names) == ('output_conv' not in options)
    assert ('lateral_conv.conv.bias' in names) == ('lateral_bias' in options)


def test_every_weight_has_a_gradient():
    built = neck().double()
    sum(level.square().sum() for level in built(features())).backward()
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert name.startswith('extension.ftt.') or parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(output_conv=False, separable=True), r'output_conv=False .*extension_cfg\.separable=True'),
        (dict(output_conv=False, on_rois=True), r'output_conv=False .*extension_cfg\.on_rois=True'),
        (
            dict(output_conv=False, channels=4),
            r'output_conv=False .*extension_cfg\.channels=4, another width',
        ),
        (dict(output_conv=False, widen_on_rois=True), r'widen_on_rois=True .*separable=False'),
        (dict(lateral_bias=True, on_rois=True), r'lateral_bias=True .*on_rois=True'),
        (dict(output_convs=False), r"did you mean 'output_conv'\?"),
    ],
    ids=str,
)
@pytest.mark.parametrize('kind', ['EFPN', 'ExtendedNeck'])
def test_forms_that_need_the_conv_are_refused(kind, options, message):
    with pytest.raises(UserError, match=message):
        neck(kind, extension_cfg=options)
