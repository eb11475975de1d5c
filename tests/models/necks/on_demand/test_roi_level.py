"""P2' made on RoIs: against plain formulas, against the map P2', and in detectors."""

import copy

import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import RoIAlign, RoIPool
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmdet_efpn.models import PyramidExtension
from mmdet_efpn.models.necks.on_demand import RoILevel
from mmdet_efpn.utils.errors import UserError

FTT = dict(type='LightFTT', hidden_channels=4, kernel_size=3)


def extension(**options):
    torch.manual_seed(0)
    module = PyramidExtension(3, 8, FTT, on_rois=True, **options).double()
    module.init_weights()
    return module


def maps(images=2, size=(40, 48)):
    """C2', p2 and p3, each half of the one before, rounded up."""
    torch.manual_seed(1)
    return [
        torch.randn(images, channels, *(-(-side // step) for side in size), dtype=torch.float64)
        for channels, step in ((3, 1), (8, 2), (8, 4))
    ]


def bilinear(feature, x, y):
    """Value of a map (C, H, W) at a place in cells, 0 being the centre of the first.

    As RoIAlign has it: up to a cell beyond the centres at the border their value, then zero.
    """
    if not (-1 <= y <= feature.shape[1] and -1 <= x <= feature.shape[2]):
        return feature.new_zeros(len(feature))
    x, y = min(max(x, 0), feature.shape[2] - 1), min(max(y, 0), feature.shape[1] - 1)
    column, row = int(x), int(y)
    right, below = min(column + 1, feature.shape[2] - 1), min(row + 1, feature.shape[1] - 1)
    dx, dy = x - column, y - row
    return (1 - dy) * ((1 - dx) * feature[:, row, column] + dx * feature[:, row, right]) + dy * (
        (1 - dx) * feature[:, below, column] + dx * feature[:, below, right]
    )


def plain_bins(feature, roi, stride, cells, samples=2):
    """Means of samples x samples values in each of an RoI's bins and of one more on every side."""
    image, left, top, right, bottom = roi.tolist()
    width, height = (right - left) / cells, (bottom - top) / cells
    bins = feature.new_zeros(feature.shape[1], cells + 2, cells + 2)
    for row in range(cells + 2):
        for column in range(cells + 2):
            for i in range(samples):
                for j in range(samples):
                    y = top + (row - 1 + (i + 0.5) / samples) * height
                    x = left + (column - 1 + (j + 0.5) / samples) * width
                    bins[:, row, column] += (
                        bilinear(feature[int(image)], x / stride - 0.5, y / stride - 0.5) / samples**2
                    )
    return bins


ROIS = torch.tensor(
    [
        [0, 20.0, 21.0, 43.0, 37.0],
        [1, 15.5, 30.2, 20.9, 64.0],
        [1, 40.0, 40.0, 54.0, 54.0],
        [0, 0.0, 0.0, 14.0, 21.0],
        [1, 80.0, 60.0, 96.0, 80.0],
        [0, -6.0, 70.0, 30.0, 99.0],
    ],  # at borders
    dtype=torch.float64,
)


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(separable=True),
        dict(channels=5, p3_prime_scale=0.5),
        dict(norm_cfg=dict(type='GN', num_groups=2), act_cfg=dict(type='ReLU')),
    ],
    ids=str,
)
@pytest.mark.parametrize('size', [(40, 48), (41, 47)])
@torch.no_grad()
def test_equals_the_plain_formula(options, size):
    module = extension(**options).eval()
    c2_prime, p2, p3 = maps(size=size)
    level, p3_prime = module(c2_prime, p2, p3)
    assert isinstance(level, RoILevel)
    assert level.shape == (2, 8, *size)
    assert torch.equal(p3_prime, module.ftt(p2, p3))
    pooled = level.pooled(ROIS, RoIAlign(7, 0.5, 2))
    for roi, got in zip(ROIS, pooled, strict=True):
        fine, coarse = plain_bins(c2_prime, roi, 2, 7)[None], plain_bins(p3_prime, roi, 4, 7)[None]
        if module.narrowing_conv is not None:
            coarse = module.narrowing_conv(coarse)
        if 'p3_prime_scale' in options:
            coarse = coarse * options['p3_prime_scale']
        expected = module.output_conv(module.lateral_conv(fine) + coarse)
        assert got.shape == (8, 7, 7)
        assert got.std() > 0.1
        torch.testing.assert_close(got, expected[0], rtol=1e-9, atol=1e-9)
    if not options:  # the convs, written out
        weight = module.output_conv.conv.weight
        lateral = module.lateral_conv.conv.weight[:, :, 0, 0]
        mixed = torch.einsum('oc,chw->ohw', lateral, fine[0]) + coarse[0]
        by_hand = sum(
            torch.einsum('oc,chw->ohw', weight[:, :, i, j], mixed[:, i : i + 7, j : j + 7])
            for i in range(3)
            for j in range(3)
        )
        torch.testing.assert_close(got, by_hand, rtol=1e-9, atol=1e-9)


@torch.no_grad()
def test_equals_the_map_where_bins_are_its_cells():
    """RoIs of 7x7 cells, one sample in each bin, and P3' the same everywhere."""
    module = extension()
    c2_prime, p2, _p3 = maps()
    constant = torch.randn(2, 8, 1, 1, dtype=torch.float64).expand_as(p2)
    rois = torch.tensor([[0, 20.0, 20.0, 34.0, 34.0], [1, 2.0, 60.0, 16.0, 74.0]], dtype=torch.float64)
    got = RoILevel(module, c2_prime, constant).pooled(rois, RoIAlign(7, 0.5, 1))
    upsampled = F.interpolate(constant, scale_factor=2, mode='nearest')
    mixed = F.conv2d(c2_prime, module.lateral_conv.conv.weight) + upsampled
    whole = F.conv2d(mixed, module.output_conv.conv.weight, padding=1).contiguous()
    torch.testing.assert_close(got, RoIAlign(7, 0.5, 1)(whole, rois), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(got[0], whole[0, :, 10:17, 10:17], rtol=1e-9, atol=1e-9)


def test_gradients_by_finite_differences():
    module = extension()
    c2_prime, p2, _ = (feature[:, :, :12, :12].clone().requires_grad_() for feature in maps(1))
    rois = torch.tensor([[0, 3.0, 4.0, 17.0, 19.0]], dtype=torch.float64)
    torch.autograd.gradcheck(
        lambda fine, coarse: RoILevel(module, fine, coarse).pooled(rois, RoIAlign(2, 0.5, 2)),
        (c2_prime, p2),
        fast_mode=True,
    )


def test_without_rois_every_weight_and_map_has_a_zero_gradient():
    module = extension(channels=5)
    c2_prime, p2, p3 = (feature.requires_grad_() for feature in maps())
    pooled = module(c2_prime, p2, p3)[0].pooled(ROIS[:0], RoIAlign((7, 5), 0.5, 2))
    assert pooled.shape == (0, 8, 7, 5)
    pooled.sum().backward()
    for tensor in (c2_prime, p2, p3, *module.parameters()):
        assert tensor.grad is not None
        assert not tensor.grad.any()


def test_an_index_is_one_into_the_batch():
    level = extension()(*maps())[0]
    one = level[1][None]
    assert one.shape == (1, 8, 40, 48)
    rois = ROIS[ROIS[:, 0] == 1]
    torch.testing.assert_close(
        one.pooled(rois * torch.tensor([0, 1, 1, 1, 1]), RoIAlign(7, 0.5, 2)),
        level.pooled(rois, RoIAlign(7, 0.5, 2)),
    )


@pytest.fixture
def detector(build_detector):
    def build(changes=None, masks=False):
        return build_detector({'model.neck.extension_cfg': dict(on_rois=True), **(changes or {})}, masks)

    return build


def samples(size=(128, 160)):
    batch = []
    for shift in (0, 30):
        sample = DetDataSample(
            metainfo=dict(
                img_shape=size,
                ori_shape=size,
                pad_shape=size,
                batch_input_shape=size,
                scale_factor=(1.0, 1.0),
            )
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor([[10.0 + shift, 10, 30 + shift, 32], [20, 30, 110, 120]]),
            labels=torch.tensor([0, 1]),
        )
        batch.append(sample)
    return batch


def images(size=(128, 160)):
    torch.manual_seed(2)
    return torch.randn(2, 3, *size)


@pytest.mark.parametrize('sampler', ['RandomSampler', 'OHEMSampler'])
@pytest.mark.parametrize('extended_rois_only', [False, True])
@pytest.mark.parametrize('options', [{}, dict(separable=True, channels=8)], ids=str)
def test_a_detector_trains_all_of_the_extension(detector, sampler, extended_rois_only, options):
    model = detector(
        {
            'model.train_cfg.rcnn.sampler.type': sampler,
            'model.neck.extension_cfg': dict(options, on_rois=True),
            'model.roi_head.extended_rois_only': extended_rois_only,
        }
    ).train()
    assert isinstance(model.extract_feat(images())[0], RoILevel)
    loss, _ = model.parse_losses(model(images(), samples(), mode='loss'))
    loss.backward()
    assert loss.isfinite()
    gradients = {name: parameter.grad for name, parameter in model.neck.extension.named_parameters()}
    assert [name for name, grad in gradients.items() if grad is None or not grad.any()] == []


def test_checkpoints_are_those_of_the_map(detector):
    on_rois = detector()
    on_map = detector({'model.neck.extension_cfg': {}})
    on_map.load_state_dict(on_rois.state_dict())
    on_rois.load_state_dict(on_map.state_dict())
    ours, theirs = (model.eval().neck.extension for model in (on_rois, on_map))
    features = [
        torch.randn(1, channels, side, side)
        for channels, side in ((theirs.lateral_conv.in_channels, 32), (16, 16), (16, 8))
    ]
    assert torch.equal(ours(*features)[1], theirs(*features)[1])


@pytest.mark.parametrize(
    ('changes', 'masks'),
    [({}, False), ({'model.roi_head.extended_bbox_head': False}, False), ({}, True)],
    ids=['two heads', 'one head', 'masks'],
)
@torch.no_grad()
def test_each_roi_has_what_its_level_gives_it(detector, changes, masks):
    model = detector(changes, masks)
    head, x = model.roi_head, model.extract_feat(images())
    rois = torch.tensor(
        [
            [0, 10, 10, 100, 100],
            [1, 5, 5, 20, 18],
            [0, 30, 40, 60, 60],
            [1, 0, 0, 128, 128],
            [0, 3, 3, 12, 9],
        ],
        dtype=torch.float32,
    )
    small = [False, True, True, False, True]
    results = [(head.bbox_roi_extractor, head._bbox_forward(x, rois)['bbox_feats'])]
    if head.with_mask:
        results.append((head.mask_roi_extractor, head._mask_forward(x, rois)['mask_feats']))
    for extractor, pooled in results:
        for roi, is_small, got in zip(rois, small, pooled, strict=True):
            expected = (
                x[0].pooled(roi[None], extractor.roi_layers[0])
                if is_small
                else extractor(x[1:2] + x[1:5], roi[None])
            )
            torch.testing.assert_close(got, expected[0])
    found = model(images(), samples(), mode='predict')
    assert all(
        len(sample.pred_instances) and sample.pred_instances.bboxes.isfinite().all() for sample in found
    )


def test_bfloat16_maps_leave_boxes_their_float32_level(detector):
    model = detector()
    x = [level.bfloat16() for level in model.extract_feat(images())[1:]]
    rois = torch.tensor([[0, 500.9, 500.9, 556.6, 556.6], [0, 500.9, 500.9, 557.1, 557.1]])
    assert model.roi_head.on_p2_prime(rois, [None, *x], model.roi_head.bbox_roi_extractor).tolist() == [
        True,
        False,
    ]
    assert rois.bfloat16()[0, 3] - rois.bfloat16()[0, 1] == 56  # where it would fall to P2


@pytest.mark.parametrize('on_rois', [True, False])
@torch.no_grad()
def test_autocast_is_near_float32(detector, on_rois):
    model = detector({'model.neck.extension_cfg.on_rois': on_rois})
    rois = torch.tensor([[0, 10.0, 10.0, 40.0, 36.0], [1, 4.0, 5.0, 120.0, 100.0]])
    plain = model.roi_head._bbox_forward(model.extract_feat(images()), rois)['bbox_feats']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        x = model.extract_feat(images())
        assert x[1].dtype == torch.bfloat16
        cast = model.roi_head._bbox_forward(x, rois)['bbox_feats']
    assert (cast.float() - plain).abs().max() < 0.05 * plain.abs().max()


@torch.no_grad()
def test_an_extractor_of_this_level_alone(detector):
    model = detector()
    extractor = MODELS.build(
        dict(
            type='SingleRoIExtractor',
            finest_scale=28,
            out_channels=16,
            featmap_strides=[2],
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
        )
    )
    x, rois = model.extract_feat(images()), torch.tensor([[0, 10.0, 10.0, 100.0, 90.0]])
    pooled = model.roi_head._pool(x, rois, extractor)
    assert torch.equal(pooled, x[0].pooled(rois, extractor.roi_layers[0]))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(sparse=True), r'on_rois=True .* neck\.sparse=True could defer'),
        (dict(c2_prime_channels=None), r'on_rois=True .* this neck makes none'),
        (dict(norm_cfg=dict(type='SyncBN')), r'on_rois=True .* neck\.norm_cfg is .*SyncBN'),
        (dict(norm_cfg=dict(type='BN')), r'batch norms cannot train'),
    ],
    ids=str,
)
def test_options_that_contradict_it(options, message):
    with pytest.raises(ValueError, match=message):
        PyramidExtension(**{'c2_prime_channels': 3, **options}, out_channels=8, ftt=FTT, on_rois=True)


@torch.no_grad()
def test_a_deferred_c2_prime_is_refused(detector):
    model = detector({'model.backbone.defer_c2_prime': True})
    with pytest.raises(ValueError, match=r'on_rois=True pools C2\', which backbone\.defer_c2_prime'):
        model.extract_feat(images())


@pytest.mark.parametrize(
    'layer',
    [RoIPool(7, 0.5), RoIAlign(7, 0.5, 2, pool_mode='max'), RoIAlign(7, 0.5, 2, aligned=False)],
    ids=str,
)
def test_other_poolings_are_refused(layer):
    with pytest.raises(ValueError, match=r'on_rois=True needs roi_layer=dict\(type=\'RoIAlign\''):
        extension()(*maps())[0].pooled(ROIS, layer)


def test_what_reads_the_whole_level_says_so(detector, tiny_config):
    model = detector(
        {
            'model.rpn_head.on_p2_prime': True,
            'model.rpn_head.anchor_generator.strides': [2, 4, 8, 16, 32, 64],
        }
    )
    with pytest.raises(ValueError, match=r'on_p2_prime=True .* RoIs alone; set .*\.on_rois=False'):
        model(images(), samples(), mode='loss')
    with pytest.raises(UserError, match=r'conv2d was called on P2\'.* set neck\.extension_cfg\.on_rois'):
        torch.nn.Conv2d(16, 1, 1)(model.extract_feat(images())[0])
    plain = copy.deepcopy(Config.fromfile(tiny_config).model)
    plain.neck.extension_cfg = dict(on_rois=True)
    with pytest.raises(ValueError, match=r'extension_cfg\.on_rois=True .* no map of it to distil'):
        MODELS.build(dict(type='CrossResolutionDistiller', detector=plain))
