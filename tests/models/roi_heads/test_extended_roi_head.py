"""ExtendedRoIHead: which level and which head serve an RoI."""

import copy
import math

import pytest
import torch
from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData

import mmdet_efpn  # noqa: F401  (registers the modules)

STRIDES = [2, 4, 8, 16, 32]
TRAIN_CFG = ConfigDict(
    assigner=dict(
        type='MaxIoUAssigner',
        pos_iou_thr=0.5,
        neg_iou_thr=0.5,
        min_pos_iou=0.5,
        match_low_quality=False,
        ignore_iof_thr=-1,
    ),
    sampler=dict(
        type='RandomSampler', num=32, pos_fraction=0.25, neg_pos_ub=-1, add_gt_as_proposals=True
    ),
    pos_weight=-1,
    debug=False,
)
TEST_CFG = ConfigDict(score_thr=0.0, nms=dict(type='nms', iou_threshold=0.5), max_per_img=100)
BOX_HEAD = dict(
    type='Shared2FCBBoxHead',
    in_channels=4,
    fc_out_channels=16,
    roi_feat_size=7,
    num_classes=3,
    loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False, loss_weight=1.0),
    loss_bbox=dict(type='L1Loss', loss_weight=1.0),
)

MASK_HEAD = dict(
    type='FCNMaskHead',
    num_convs=1,
    in_channels=4,
    conv_out_channels=4,
    num_classes=3,
    loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
)


def mask_extractor(strides):
    return dict(
        type='SingleRoIExtractor',
        finest_scale=28,
        out_channels=4,
        featmap_strides=strides,
        roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=2),
    )


def roi_head(cls='ExtendedRoIHead', strides=STRIDES, **kwargs):
    torch.manual_seed(0)
    head = MODELS.build(
        dict(
            type=cls,
            bbox_roi_extractor=dict(
                type='SingleRoIExtractor',
                finest_scale=28,
                out_channels=4,
                featmap_strides=strides,
                roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
            ),
            bbox_head=BOX_HEAD,
            train_cfg=TRAIN_CFG,
            test_cfg=TEST_CFG,
            **kwargs,
        )
    )
    head.init_weights()
    return head


def pyramid(size=(256, 256), requires_grad=False):
    torch.manual_seed(1)
    return tuple(
        torch.randn(1, 4, *(-(-side // s) for side in size), requires_grad=requires_grad)
        for s in (*STRIDES, 64)
    )


def square(side: float, x=40.0, y=60.0) -> list[float]:
    return [x, y, x + side, y + side]


def proposals(*boxes) -> list[InstanceData]:
    bboxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return [
        InstanceData(
            bboxes=bboxes,
            scores=torch.ones(len(bboxes)),
            labels=torch.zeros(len(bboxes), dtype=torch.long),
        )
    ]


def samples(*boxes, size=(256, 256)) -> list[DetDataSample]:
    data_sample = DetDataSample(
        metainfo=dict(img_shape=size, batch_input_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    )
    data_sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.zeros(len(boxes), dtype=torch.long),
    )
    data_sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4))
    return [data_sample]


def test_levels_follow_the_published_formula():
    """level = floor(4 + log2(sqrt(w h) / 224)), clamped to 1..5; 1 is P2'."""
    generator = torch.Generator().manual_seed(0)
    sides = torch.rand(500, 2, generator=generator) * 700 + 1
    rois = torch.zeros(500, 5)
    rois[:, 3:] = sides
    levels = roi_head().bbox_roi_extractor.map_roi_levels(rois, 5)
    for (width, height), level in zip(sides.tolist(), levels.tolist(), strict=True):
        published = math.floor(4 + math.log2(math.sqrt(width * height) / 224))
        assert level + 1 == min(max(published, 1), 5), (width, height)
        assert (level == 0) == (math.sqrt(width * height) < 56)


@pytest.mark.parametrize(
    ('side', 'level'), [(6, 0), (28, 0), (55, 0), (57, 1), (111, 1), (113, 2), (225, 3), (240, 3)]
)
def test_a_box_is_pooled_from_its_level_at_its_place(side, level):
    """Maps hold their level's number and each cell's centre in pixels, so pooling returns them."""
    size, maps = 512, []
    for number, stride in enumerate(STRIDES):
        centres = (torch.arange(size // stride) + 0.5) * stride
        cells = len(centres)
        maps.append(
            torch.stack(
                (
                    torch.full((cells, cells), float(number)),
                    centres.expand(cells, cells),
                    centres[:, None].expand(cells, cells),
                    torch.zeros(cells, cells),
                )
            )[None]
        )
    extractor = roi_head().bbox_roi_extractor
    x, y = 100.0, 140.0
    rois = torch.tensor([[0, x, y, x + side, y + side]])
    pooled = extractor(maps, rois)[0].mean((1, 2))
    expected = torch.tensor([float(level), x + side / 2, y + side / 2, 0.0])
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-2)


def test_channels_last_maps_are_read_as_they_are_meant():
    head, x = roi_head(mask_head=MASK_HEAD, mask_roi_extractor=mask_extractor(STRIDES)), pyramid()
    rois = torch.tensor([[0, *square(s)] for s in (100, 8, 57)])
    last = [level.to(memory_format=torch.channels_last) for level in x]
    for run, key in ((head._bbox_forward, 'bbox_feats'), (head._mask_forward, 'mask_feats')):
        torch.testing.assert_close(run(last, rois)[key], run(x, rois)[key])


def test_each_roi_gets_the_outputs_of_its_levels_head():
    head, x = roi_head(), pyramid()
    rois = torch.tensor([[0, *square(s)] for s in (100, 8, 57, 30, 150, 55)], dtype=torch.float32)
    results = head._bbox_forward(x, rois)
    feats = head.bbox_roi_extractor(x[:5], rois)
    for i, on_p2_prime in enumerate((False, True, False, True, False, True)):
        box_head = head.extended_bbox_head if on_p2_prime else head.bbox_head
        cls_score, bbox_pred = box_head(feats[i : i + 1])
        torch.testing.assert_close(results['cls_score'][i : i + 1], cls_score)
        torch.testing.assert_close(results['bbox_pred'][i : i + 1], bbox_pred)
    assert torch.equal(results['bbox_feats'], feats)


def test_heads_are_two_and_equal_in_shape():
    head = roi_head()
    first, second = head.bbox_head.state_dict(), head.extended_bbox_head.state_dict()
    assert {k: v.shape for k, v in first.items()} == {k: v.shape for k, v in second.items()}
    assert not torch.equal(first['fc_cls.weight'], second['fc_cls.weight'])


def test_sharing_one_head_equals_the_standard_roi_head():
    shared, x = roi_head(extended_bbox_head=False), pyramid()
    standard = roi_head('StandardRoIHead')
    assert type(standard) is StandardRoIHead
    standard.load_state_dict(shared.state_dict())
    boxes = [square(8), square(60), square(130)]
    ours = shared.predict(x, proposals(*boxes), samples())[0]
    theirs = standard.predict(x, proposals(*boxes), samples())[0]
    assert torch.equal(ours.bboxes, theirs.bboxes)
    assert torch.equal(ours.scores, theirs.scores)


SMALL, LARGE = [square(8), square(20, 90, 90)], [square(70), square(140, 90, 90)]


@pytest.mark.parametrize(
    'boxes', [SMALL, LARGE, SMALL + LARGE, []], ids=['small', 'large', 'both', 'none']
)
def test_every_parameter_has_a_gradient_whatever_the_levels(boxes):
    head = roi_head().train()
    losses = head.loss(
        pyramid(requires_grad=True),
        proposals(*boxes, square(10, 5, 5)) if boxes else proposals(),
        samples(*boxes),
    )
    (losses['loss_cls'] + losses['loss_bbox']).backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    if boxes == LARGE:
        assert head.bbox_head.fc_reg.weight.grad.abs().sum() > 0
    if boxes == SMALL:
        assert head.bbox_head.fc_reg.weight.grad.abs().sum() == 0
        assert head.extended_bbox_head.fc_reg.weight.grad.abs().sum() > 0


@pytest.mark.parametrize('boxes', [SMALL, LARGE, []], ids=['small', 'large', 'none'])
def test_predicts_with_an_empty_level(boxes):
    results = roi_head().eval().predict(pyramid(), proposals(*boxes), samples())[0]
    assert (len(results) > 0) == bool(boxes)


def test_bfloat16_autocast_mixes_heads():
    head, x = roi_head(), pyramid()
    rois = torch.tensor([[0, *square(8)], [0, *square(100)]])
    exact = head._bbox_forward(x, rois)['cls_score']
    for part in (rois, rois[:1], rois[1:]):
        with torch.autocast('cpu', dtype=torch.bfloat16):
            rough = head._bbox_forward(x, part)['cls_score']
        expected = exact[:1] if part is not rois and part[0, 3] < 56 else exact[-len(part) :]
        torch.testing.assert_close(rough.float(), expected, rtol=0.1, atol=0.02)


def test_own_config_for_the_extended_head():
    head = roi_head(extended_bbox_head=dict(BOX_HEAD, fc_out_channels=24))
    assert head.extended_bbox_head.fc_cls.in_features == 24
    assert head.bbox_head.fc_cls.in_features == 16


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(strides=[4, 8, 16, 32]), r'featmap_strides must begin with .* got \[4, 8, 16, 32\]'),
        (
            dict(extended_bbox_head=dict(BOX_HEAD, num_classes=5)),
            r'extended_bbox_head gives \(6, 20\).*bbox_head gives \(4, 12\)',
        ),
        (dict(extended_bbox_head=dict(BOX_HEAD, reg_class_agnostic=True)), 'reg_class_agnostic'),
        (
            dict(extended_bbox_head=dict(BOX_HEAD, in_channels=8)),
            r'roi_head\.extended_bbox_head\.in_channels is 8, but .*out_channels is 4',
        ),
        (dict(extended_bbox_head=dict(BOX_HEAD, with_reg=False)), 'must classify and regress'),
        (
            dict(mask_head=MASK_HEAD, mask_roi_extractor=mask_extractor([4, 8, 16, 32])),
            r'roi_head\.mask_roi_extractor\.featmap_strides must begin with .* got \[4, 8, 16, 32\]',
        ),
    ],
)
def test_refuses_at_build(kwargs, message):
    with pytest.raises(ValueError, match=message):
        roi_head(**kwargs)


def test_refuses_an_extractor_without_levels():
    with pytest.raises(ValueError, match=r'roi_head\.bbox_roi_extractor must assign each RoI'):
        MODELS.build(
            dict(
                type='ExtendedRoIHead',
                bbox_head=BOX_HEAD,
                bbox_roi_extractor=dict(
                    type='GenericRoIExtractor',
                    out_channels=4,
                    featmap_strides=STRIDES,
                    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
                ),
            )
        )


@pytest.mark.parametrize(
    'mask', [{}, dict(mask_head=MASK_HEAD, mask_roi_extractor=mask_extractor(STRIDES))]
)
def test_refuses_maps_of_other_strides_or_widths(mask):
    head = roi_head(**mask)
    wrong = tuple(torch.zeros(1, 4, 256 // s, 256 // s) for s in (4, 8, 16, 32, 64, 128))
    for call in (head.loss, head.predict):
        with pytest.raises(
            ValueError,
            match=r'roi_head\.bbox_roi_extractor\.featmap_strides is '
            r'\[2, 4, 8, 16, 32\].*does not fit',
        ):
            call(wrong, proposals(square(8)), samples(square(8)))
        with pytest.raises(ValueError, match=r'roi_head\.bbox_roi_extractor\.out_channels is 4'):
            call([level[:, :3] for level in pyramid()], proposals(square(8)), samples(square(8)))


def test_predicts_masks_from_p2_prime():
    head = roi_head(mask_head=MASK_HEAD, mask_roi_extractor=mask_extractor(STRIDES)).eval()
    head.test_cfg.mask_thr_binary = 0.5
    results = head.predict(pyramid(), proposals(*SMALL, *LARGE), samples(), rescale=True)[0]
    assert results.masks.shape[1:] == (256, 256)
    assert len(results.masks) == len(results.bboxes) > 0


def test_the_pooled_level_chooses_the_head_in_half_precision():
    """Corners of an RoI at large coordinates round in float16, for the extractor and for us alike."""
    head = roi_head()
    chosen = []
    head._run_head = lambda box_head, feats: (
        chosen.append(len(feats)) or (feats.new_zeros(len(feats), 4), feats.new_zeros(len(feats), 12))
    )
    rois = torch.tensor([[0, 1100.4, 1100.4, 1156.2, 1156.2]])  # 55.8 px; 56 px in float16
    x = [level.half() for level in pyramid((1280, 1280))]
    mapped = head.bbox_roi_extractor.map_roi_levels(rois.half(), 5)
    head.bbox_roi_extractor.forward = lambda feats, rois: feats[0].new_zeros(len(rois), 4, 7, 7)
    head._bbox_forward(x, rois)
    assert chosen == [int(mapped[0] != 0), int(mapped[0] == 0)]
    assert head.bbox_roi_extractor.map_roi_levels(rois, 5)[0] != mapped[0]


def sampled_rois(head, monkeypatch):
    """Records the RoIs of every box loss."""
    seen = []
    bbox_loss = head.bbox_loss
    monkeypatch.setattr(
        head,
        'bbox_loss',
        lambda x, results: (
            seen.append([(r.pos_priors, r.neg_priors) for r in results]),
            bbox_loss(x, results),
        )[1],
    )
    return seen


SMALL, LARGE = square(20, 30, 30), square(120, 100, 100)
CANDIDATES = (
    square(18, 31, 31),
    square(30, 200, 20),
    square(110, 100, 100),
    square(55.9, 10, 190),
    square(56, 10, 190),
    square(40, 120, 120),
)


@pytest.mark.parametrize('sampler', ['RandomSampler', 'OHEMSampler'])
def test_fine_tuning_samples_rois_of_p2_prime_only(monkeypatch, sampler):
    train_cfg = copy.deepcopy(TRAIN_CFG)
    train_cfg.sampler.type = sampler
    monkeypatch.setitem(globals(), 'TRAIN_CFG', train_cfg)
    head = roi_head(extended_rois_only=True)
    seen = sampled_rois(head, monkeypatch)
    losses = head.loss(pyramid(), proposals(*CANDIDATES), samples(SMALL, LARGE))
    ((positive, negative),) = seen[0]
    small_ones = [CANDIDATES[i] for i in (1, 3, 5)]  # under 56 px, and not on the small object
    for sampled, expected in ((positive, [SMALL, CANDIDATES[0]]), (negative, small_ones)):
        expected = torch.tensor(sorted(expected), dtype=torch.float32)
        assert torch.allclose(torch.tensor(sorted(sampled.tolist())), expected)
    sum(losses[name] for name in ('loss_cls', 'loss_bbox')).backward()
    assert all(p.grad.abs().sum() > 0 for p in head.extended_bbox_head.parameters())
    assert all((p.grad == 0).all() for p in head.bbox_head.parameters())


def test_fine_tuning_without_any_small_roi_has_a_zero_gradient():
    head = roi_head(extended_rois_only=True)
    losses = head.loss(pyramid(), proposals(square(110, 100, 100)), samples(LARGE))
    sum(losses[name] for name in ('loss_cls', 'loss_bbox')).backward()
    assert all((p.grad == 0).all() for p in head.parameters())


def test_fine_tuning_keeps_the_samplers_own_setting():
    train_cfg = copy.deepcopy(TRAIN_CFG)
    head = roi_head(extended_rois_only=True)
    head.loss(pyramid(), proposals(*CANDIDATES), samples(SMALL))
    assert head.bbox_sampler.add_gt_as_proposals == train_cfg.sampler.add_gt_as_proposals


def test_a_checkpoint_without_second_head_gives_it_the_first_ones_weights():
    one_head, two_heads = roi_head(extended_bbox_head=False), roi_head()
    two_heads.load_state_dict(one_head.state_dict())  # strict
    for a, b in zip(
        two_heads.extended_bbox_head.parameters(), one_head.bbox_head.parameters(), strict=True
    ):
        assert torch.equal(a, b)
        assert a is not b
    with torch.no_grad():
        two_heads.extended_bbox_head.fc_cls.bias.fill_(7)
    other = roi_head()
    other.load_state_dict(two_heads.state_dict())  # a checkpoint with one keeps its own
    assert (other.extended_bbox_head.fc_cls.bias == 7).all()


def test_a_second_head_of_another_width_is_reported_missing_where_shapes_differ():
    wide = dict(BOX_HEAD, fc_out_channels=24)
    result = roi_head(extended_bbox_head=wide).load_state_dict(
        roi_head(extended_bbox_head=False).state_dict(), strict=False
    )
    assert 'extended_bbox_head.fc_cls.weight' in result.missing_keys
    assert not result.unexpected_keys
