"""P2' computed on tiles against P2' computed whole: what RoIs read, and what detectors find."""

import pytest
import torch
from mmcv.ops import RoIAlign
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from torch.utils.flop_counter import FlopCounterMode

from mmdet_efpn.models import PyramidExtension
from mmdet_efpn.models.necks.on_demand import DeferredLevel
from mmdet_efpn.utils.errors import UserError

STEPS = [
    dict(type='FTT', hidden_channels=8),
    dict(type='PointwiseFTT'),
    dict(type='LightFTT', hidden_channels=8, kernel_size=3),
]
EXTENSIONS = [
    dict(backbone=dict(depth=18)),
    dict(
        backbone=dict(depth=50, c2_prime_blocks=1),
        neck=dict(extension_cfg=dict(channels=8, separable=True)),
    ),
    dict(backbone=dict(depth=18, c2_prime='stem'), neck=dict(norm_cfg=dict(type='BN'))),
    dict(
        backbone=dict(depth=18, c2_prime='stem'),
        neck=dict(extension_cfg=dict(separable=True, p3_prime_scale=0.5)),
    ),
    dict(
        backbone=dict(depth=18),
        neck=dict(extension_cfg=dict(output_conv=False, lateral_bias=True), ftt_source='on_output'),
    ),
]
SIZES = [(256, 320), (253, 317), (90, 500)]


def steps(ftt, extension, tile=16):
    """Backbone and neck, in evaluation mode."""
    torch.manual_seed(0)
    backbone = MODELS.build(
        dict(
            type='ExtendedResNet',
            base_channels=8,
            stem_channels=8,
            zero_init_residual=False,
            defer_c2_prime=True,
            **extension['backbone'],
        )
    )
    widths = [8, 16, 32, 64] if backbone.depth == 18 else [32, 64, 128, 256]
    c2_prime = 8 if backbone.c2_prime == 'stem' else widths[0]
    neck = MODELS.build(
        dict(
            type='EFPN',
            in_channels=[c2_prime, *widths],
            out_channels=16,
            num_outs=6,
            ftt=ftt,
            sparse_tile=tile,
            **extension.get('neck', {}),
        )
    )
    for module in (backbone, neck):
        module.init_weights()
        module.eval()
    return backbone, neck


def small_rois(number, size, images=2, side=50):
    """Boxes in the image, at its borders and beyond them."""
    generator = torch.Generator().manual_seed(number)
    centres = torch.rand(number, 2, generator=generator) * torch.tensor([size[1], size[0]])
    half = torch.rand(number, 2, generator=generator) * side / 2
    index = torch.randint(0, images, (number, 1), generator=generator).float()
    return torch.cat((index, centres - half, centres + half), dim=1)


@pytest.mark.parametrize('size', SIZES, ids=str)
@pytest.mark.parametrize('extension', EXTENSIONS, ids=str)
@pytest.mark.parametrize('ftt', STEPS, ids=lambda cfg: cfg['type'])
@torch.no_grad()
def test_rois_read_what_they_read_of_the_whole_level(ftt, extension, size):
    backbone, neck = (module.double() for module in steps(ftt, extension))
    torch.manual_seed(1)
    stages = backbone(torch.randn(2, 3, *size, dtype=torch.float64))
    whole = neck(stages)[0].dense()
    assert whole.std() > 0.05
    for number in (1, 4, 30):
        rois = small_rois(number, size).double()
        for roi_align in (RoIAlign(7, 0.5, 0), RoIAlign(7, 0.5, 2, aligned=False)):
            level = neck(stages)[0].around(rois)
            assert level.shape == whole.shape
            assert number > 1 or (level == 0).float().mean() > 0.5
            assert number > 4 or (level == 0).any()  # on tiles
            torch.testing.assert_close(
                roi_align(level, rois), roi_align(whole, rois), rtol=1e-9, atol=1e-9
            )


@torch.no_grad()
def test_whole_level_equals_that_of_the_network_without_deferring():
    backbone, neck = steps(STEPS[0], EXTENSIONS[0])
    image = torch.randn(1, 3, 90, 70)
    deferred = neck(backbone(image))
    backbone.defer_c2_prime = False
    plain = neck(backbone(image))
    assert torch.equal(deferred[0].dense(), plain[0])
    assert deferred[0].shape == plain[0].shape
    for ours, theirs in zip(deferred[1:], plain[1:], strict=True):
        assert torch.equal(ours, theirs)


@torch.no_grad()
def test_few_rois_cost_little_and_many_no_more_than_the_whole_level():
    backbone, neck = steps(STEPS[2], EXTENSIONS[0], tile=32)
    stages = backbone(torch.randn(1, 3, 512, 512))

    def macs(call):
        with FlopCounterMode(display=False) as counter:
            call(neck(stages)[0])
        return counter.get_total_flops()

    whole = macs(lambda level: level.dense())
    assert macs(lambda level: level.around(small_rois(0, (512, 512)))) < 0.9 * whole  # the neck alone
    one = macs(lambda level: level.around(small_rois(1, (512, 512), images=1)))
    many = macs(lambda level: level.around(small_rois(300, (512, 512), images=1)))
    neck_alone = macs(lambda level: None)
    assert one - neck_alone < 0.2 * (whole - neck_alone)
    assert many == whole


@torch.no_grad()
def test_an_inverted_box_takes_no_other_ones_tile():
    backbone, neck = steps(STEPS[1], EXTENSIONS[0])
    stages = backbone(torch.randn(1, 3, 200, 200))
    box = torch.tensor([[0, 40.0, 40.0, 60.0, 60.0]])
    inverted = torch.tensor([[0, 150.0, 120.0, 30.0, 20.0]])
    alone, beside = (neck(stages)[0].around(rois) for rois in (box, torch.cat((box, inverted))))
    read = alone[..., 16:34, 16:34]
    assert read.any()
    assert torch.equal(beside[..., 16:34, 16:34], read)


@torch.no_grad()
def test_attention_ftts_are_computed_whole():
    ftt = dict(type='SwinFTT', embed_dims=8, depths=(2, 2), num_heads=2, window_size=4)
    backbone, neck = steps(ftt, EXTENSIONS[0])
    stages = backbone(torch.randn(1, 3, 200, 200))
    rois = small_rois(2, (200, 200), images=1)
    whole, level = neck(stages)[0].dense(), neck(stages)[0].around(rois)
    roi_align = RoIAlign(7, 0.5, 0)
    torch.testing.assert_close(roi_align(level, rois), roi_align(whole, rois), rtol=1e-4, atol=1e-5)
    assert (level == 0).float().mean() > 0.3


@torch.no_grad()
def test_norms_over_the_whole_map_make_it_whole():
    extension = dict(EXTENSIONS[0], neck=dict(norm_cfg=dict(type='GN', num_groups=2)))
    backbone, neck = steps(STEPS[1], extension)
    stages = backbone(torch.randn(1, 3, 128, 128))
    level = neck(stages)[0]
    assert torch.equal(level.around(small_rois(1, (128, 128), images=1)), neck(stages)[0].dense())


FPN = dict(in_channels=[8, 16, 32, 64], out_channels=16, num_outs=5)


@pytest.mark.parametrize(
    'neck',
    [
        dict(FPN, type='EFPN', in_channels=[8, *FPN['in_channels']], num_outs=6),
        dict(type='ExtendedNeck', neck=dict(FPN, type='FPN'), c2_prime_channels=8),
    ],
    ids=lambda cfg: cfg['type'],
)
def test_the_neck_alone_defers_p2_prime_of_any_backbone(neck):
    torch.manual_seed(0)
    resnet = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
    backbone = MODELS.build(dict(type='HighResolutionTap', backbone=resnet)).eval()
    neck = MODELS.build(dict(neck, ftt=STEPS[2], sparse=True, sparse_tile=16)).eval()
    neck.init_weights()
    image, rois = torch.randn(1, 3, 253, 317), small_rois(3, (253, 317), images=1)
    whole = neck(backbone(image))  # gradients are wanted
    neck.train()
    with torch.no_grad():
        assert torch.equal(neck(backbone(image))[0], whole[0])
        level, *others = neck.eval()(backbone(image))
        tiles = level.around(rois)
    assert level.shape == whole[0].shape
    assert (tiles == 0).float().mean() > 0.3
    roi_align = RoIAlign(7, 0.5, 0)
    torch.testing.assert_close(roi_align(tiles, rois), roi_align(whole[0], rois), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(others, whole[1:], strict=True):
        assert torch.equal(ours, theirs)


def test_a_neck_without_p2_prime_cannot_be_sparse():
    with pytest.raises(ValueError, match=r'neck\.sparse=True .* neck\.levels=\'p3_prime\''):
        MODELS.build(
            dict(
                type='ExtendedNeck',
                neck=dict(FPN, type='FPN'),
                ftt=STEPS[1],
                levels='p3_prime',
                sparse=True,
            )
        )


@pytest.fixture
def detector(build_detector):
    def build(changes=None, masks=False):
        return build_detector(
            {'model.backbone.defer_c2_prime': True, 'model.neck.sparse_tile': 8, **(changes or {})},
            masks,
        )

    return build


def found(model, size=(128, 160)):
    torch.manual_seed(2)
    samples = [
        DetDataSample(
            metainfo=dict(
                img_shape=size,
                ori_shape=size,
                pad_shape=size,
                batch_input_shape=size,
                scale_factor=(1.0, 1.0),
            )
        )
        for _ in range(2)
    ]
    with torch.no_grad():
        results = model(torch.randn(2, 3, *size), samples, mode='predict')
    return [sample.pred_instances for sample in results]


@pytest.mark.parametrize('masks', [False, True], ids=['boxes', 'masks'])
@pytest.mark.parametrize('proposals', [3, 100])
@pytest.mark.parametrize('defer_c2_prime', [True, False])
def test_detections_are_those_of_the_dense_detector(detector, masks, proposals, defer_c2_prime):
    model = detector(
        {
            'model.test_cfg.rpn.max_per_img': proposals,
            'model.test_cfg.rcnn.score_thr': 0.0,
            'model.test_cfg.rcnn.mask_thr_binary': -1,  # leaves the masks' values as they are
            'model.backbone.defer_c2_prime': defer_c2_prime,
            'model.neck.sparse': not defer_c2_prime,
        },
        masks,
    )
    with torch.no_grad():
        assert isinstance(model.neck(run_backbone(model))[0], DeferredLevel)
    sparse = found(model)
    model.backbone.defer_c2_prime = model.neck.extension.sparse = False
    dense = found(model)
    assert all(len(instances) > 0 for instances in dense)
    for ours, theirs in zip(sparse, dense, strict=True):
        torch.testing.assert_close(ours.bboxes, theirs.bboxes, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(ours.scores, theirs.scores, rtol=1e-4, atol=1e-5)
        assert torch.equal(ours.labels, theirs.labels)
        if masks:
            torch.testing.assert_close(ours.masks.int(), theirs.masks.int(), rtol=0, atol=1)


@torch.no_grad()
def test_no_proposal_on_p2_prime(detector):
    model = detector()
    x, rois = model.neck(run_backbone(model)), torch.tensor([[0.0, 0.0, 0.0, 100.0, 100.0]])
    level = x[0].around(rois[:0])
    assert level.shape == (1, 16, 64, 80)
    assert not level.any()
    extractor = model.roi_head.bbox_roi_extractor
    assert torch.equal(
        model.roi_head._bbox_forward(x, rois)['bbox_feats'], extractor((level, *x[1:5]), rois)
    )


@torch.no_grad()
def run_backbone(model):
    return model.backbone(torch.randn(1, 3, 128, 160))


def test_training_and_checkpoints_are_those_of_the_dense_detector(detector):
    deferring = detector()
    plain = detector({'model.backbone.defer_c2_prime': False})
    assert list(plain.state_dict()) == list(deferring.state_dict())
    plain.load_state_dict(deferring.state_dict())
    image = torch.randn(1, 3, 64, 64)
    for training in (True, False):  # in training, or where gradients are wanted, nothing is deferred
        for model in (plain, deferring):
            model.train(training)
        for ours, theirs in zip(deferring.extract_feat(image), plain.extract_feat(image), strict=True):
            assert torch.equal(ours, theirs)


def test_heads_that_read_the_whole_level_say_so(detector):
    model = detector(
        {
            'model.rpn_head.on_p2_prime': True,
            'model.rpn_head.anchor_generator.strides': [2, 4, 8, 16, 32, 64],
        }
    )
    with pytest.raises(ValueError, match=r'rpn_head\.on_p2_prime=True .* neck\.sparse=False'):
        found(model)
    level = model.neck(run_backbone(model))[0]
    with pytest.raises(UserError, match=r'relu was called on P2\'.*backbone\.defer_c2_prime=False'):
        torch.relu(level)


@pytest.mark.parametrize(
    'option',
    [
        dict(plugins=[dict(cfg=dict(type='ContextBlock', ratio=0.25), position='after_conv3')]),
        dict(
            dcn=dict(type='DCNv2', deform_groups=1, fallback_on_stride=False),
            stage_with_dcn=(True, False, False, False),
        ),
    ],
    ids=lambda option: next(iter(option)),
)
def test_stages_of_unbounded_reach_are_refused(option):
    with pytest.raises(ValueError, match=r'backbone\.defer_c2_prime needs a stage 2 of convs'):
        MODELS.build(dict(type='ExtendedResNet', depth=50, defer_c2_prime=True, **option))


@pytest.mark.parametrize(
    ('option', 'halo'),
    [
        (dict(conv_cfg=dict(type='DCNv2')), None),
        (dict(conv_cfg=dict(type='SAC')), None),
        (dict(norm_cfg=dict(type='GN', num_groups=2)), None),
        (dict(norm_cfg=dict(type='BN'), act_cfg=dict(type='ReLU')), 1),
        ({}, 1),
    ],
    ids=str,
)
def test_the_extensions_reach_is_known_for_plain_convs_and_batch_norms(option, halo):
    extension = PyramidExtension(8, 16, ftt=STEPS[1], **option)
    assert extension.halo == halo


@pytest.mark.parametrize('tile', [0, 7, 2.0])
def test_odd_tiles_are_refused(tile):
    with pytest.raises(ValueError, match=r'neck\.sparse_tile must be an even number of cells'):
        steps(STEPS[0], EXTENSIONS[0], tile=tile)
