"""P2' whose last 1x1 conv runs on RoIs, against the map P2'."""

import pytest
import torch
from mmcv.ops import RoIAlign, RoIPool

from mmdet_efpn.models import PyramidExtension
from mmdet_efpn.models.necks.on_demand import NarrowLevel, RoILevel, whole_map
from mmdet_efpn.utils.errors import UserError

FTT = dict(type='LightFTT', hidden_channels=4)
ROIS = torch.tensor(
    [[0, 3, 4, 30, 25], [1, 0, 0, 9, 7], [1, 60, 50, 96, 80], [0, -4, -3, 5, 90], [0, 7, 7, 7, 7]],
    dtype=torch.float64,
)
NARROW = dict(channels=5, separable=True, p3_prime_scale=0.1, widen_on_rois=True)


def extension(**options):
    torch.manual_seed(0)
    options = {'c2_prime_channels': 3, **NARROW, **options}
    module = PyramidExtension(out_channels=8, ftt=FTT, **options).double()
    module.init_weights()
    return module


def maps(size=(40, 48)):
    """C2', p2 and p3, each half of the one before, rounded up."""
    torch.manual_seed(1)
    return [
        torch.randn(2, channels, *(-(-side // step) for side in size), dtype=torch.float64)
        for channels, step in ((3, 1), (8, 2), (8, 4))
    ]


@pytest.mark.parametrize('aligned', [True, False])
@pytest.mark.parametrize('sampling_ratio', [0, 2])
@pytest.mark.parametrize('size', [(40, 48), (41, 47)], ids=str)
def test_rois_get_what_the_map_gives_them(size, sampling_ratio, aligned):
    layer = RoIAlign(7, 0.5, sampling_ratio, aligned=aligned)
    ours, theirs = extension(), extension(widen_on_rois=False)
    narrow, wide = (module(*maps(size), with_p3_prime=False)[0] for module in (ours, theirs))
    assert isinstance(narrow, NarrowLevel)
    assert narrow.shape == wide.shape
    pooled = narrow.pooled(ROIS, layer), layer(wide, ROIS)
    torch.testing.assert_close(*pooled, rtol=0, atol=1e-12)
    mix = torch.randn_like(pooled[0])
    gradients = [
        torch.autograd.grad((values * mix).sum(), list(module.parameters()))
        for values, module in zip(pooled, (ours, theirs), strict=True)
    ]
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-9)
    torch.testing.assert_close(whole_map(narrow, 'a head'), wide, rtol=0, atol=1e-12)
    torch.testing.assert_close(narrow.sum(), wide.sum(), rtol=1e-9, atol=1e-9)
    assert narrow.requires_grad
    torch.testing.assert_close(narrow[1:].dense(), wide[1:], rtol=0, atol=1e-12)


def test_all_convs_on_rois_go_before():
    level = extension(on_rois=True)(*maps(), with_p3_prime=False)[0]
    assert isinstance(level, RoILevel)


def test_a_distiller_gets_the_map():
    assert isinstance(extension()(*maps())[0], torch.Tensor)


def test_without_rois_every_weight_has_a_gradient_of_zero():
    module = extension()
    level = module(*maps(), with_p3_prime=False)[0]
    pooled = level.pooled(ROIS[:0], RoIAlign(7, 0.5))
    assert pooled.shape == (0, 8, 7, 7)
    pooled.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in module.parameters())


def test_a_layer_that_takes_maxima_is_named():
    level = extension()(*maps(), with_p3_prime=False)[0]
    for layer in (RoIPool(7, 0.5), RoIAlign(7, 0.5, pool_mode='max')):
        with pytest.raises(UserError, match=r"widen_on_rois=True needs .*pool_mode='avg'"):
            level.pooled(ROIS, layer)


def test_another_reader_is_told_what_to_set():
    level = extension()(*maps(), with_p3_prime=False)[0]
    with pytest.raises(UserError, match=r'relu was called on .* set neck\.extension_cfg\.widen_on_rois'):
        torch.relu(level)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(separable=False), r'separable=False there is none; set it to False'),
        (dict(c2_prime_channels=None), r'this neck makes none; set it to False'),
        (dict(norm_cfg=dict(type='GN', num_groups=1)), r"norm_cfg is \{'type': 'GN'"),
        (dict(act_cfg=dict(type='ReLU')), r"act_cfg is \{'type': 'ReLU'"),
    ],
    ids=str,
)
def test_forms_without_a_last_linear_conv_are_named(options, message):
    with pytest.raises(UserError, match=rf'widen_on_rois=True .*{message}'):
        extension(**options)


@pytest.mark.parametrize('masks', [False, True])
def test_a_detector_trains_and_predicts_alike(build_detector, masks):
    changes = {'model.neck.extension_cfg': dict(NARROW, channels=8)}
    ours = build_detector(changes, masks)
    changes['model.neck.extension_cfg'] = dict(changes['model.neck.extension_cfg'], widen_on_rois=False)
    theirs = build_detector(changes, masks)
    theirs.load_state_dict(ours.state_dict())
    torch.manual_seed(2)
    images = torch.randn(2, 3, 128, 160)
    rois = torch.tensor(
        [[0, 10, 10, 100, 100], [1, 5, 5, 20, 18], [0, 30, 40, 60, 60], [1, 0, 0, 128, 128]]
    ).float()
    results = []
    for model in (ours, theirs):
        x = model.train().extract_feat(images)
        head = model.roi_head
        values = [*head._bbox_forward(x, rois).values()]
        if masks:
            values.append(head._mask_forward(x, rois)['mask_preds'])
        sum(value.square().mean() for value in values).backward()
        grads = {name: p.grad for name, p in model.neck.named_parameters() if p.grad is not None}
        results.append((values, grads))
    (values, grads), (expected_values, expected_grads) = results
    for got, expected in zip(values, expected_values, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert grads.keys() == expected_grads.keys()
    for name, expected in expected_grads.items():
        scale = expected.abs().max().clamp_min(1e-12)
        torch.testing.assert_close(grads[name] / scale, expected / scale, rtol=0, atol=1e-3, msg=name)
