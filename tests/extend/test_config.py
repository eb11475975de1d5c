"""What extend_config makes of MMDetection's own configs, against numbers worked out by hand."""

import copy
import itertools

import pytest
import torch
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config

import mmdet_efpn
from mmdet_efpn.extend import CannotExtendError, extend_with_report
from mmdet_efpn.extend.parts.dense_head import finer_ranges

pytestmark = pytest.mark.usefixtures('unchecked')

FASTER = 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco'
MASK = 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco'
CASCADE = 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco'
HTC = 'htc/htc_r50_fpn_1x_coco'
POINT_REND = 'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco'
GRID = 'grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco'
SPARSE = 'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco'
RETINA = 'retinanet/retinanet_r50_fpn_1x_coco'
FCOS = 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco'
VFNET = 'vfnet/vfnet_r50_fpn_1x_coco'
CENTERNET = 'centernet/centernet-update_r50_fpn_8xb8-amp-lsj-200e_coco'
FOVEA = 'foveabox/fovea_r50_fpn_4xb4-1x_coco'
REPPOINTS = 'reppoints/reppoints-moment_r50_fpn_1x_coco'
RTMDET = 'rtmdet/rtmdet_s_8xb32-300e_coco'
YOLOX = 'yolox/yolox_s_8xb8-300e_coco'
LIBRA_RETINA = 'libra_rcnn/libra-retinanet_r50_fpn_1x_coco'
ATSS = 'atss/atss_r50_fpn_1x_coco'
GFL = 'gfl/gfl_r50_fpn_1x_coco'
TOOD = 'tood/tood_r50_fpn_1x_coco'
PAA = 'paa/paa_r50_fpn_1x_coco'
DDOD = 'ddod/ddod_r50_fpn_1x_coco'
CASCADE_MASK = 'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco'
DOUBLE_HEAD = 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco'
DYNAMIC = 'dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco'
LIBRA = 'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco'
PAFPN = 'pafpn/faster-rcnn_r50_pafpn_1x_coco'
HRFPN = 'hrnet/faster-rcnn_hrnetv2p-w18-1x_coco'
HRFPN_FCOS = 'hrnet/fcos_hrnetv2p-w18-gn-head_4xb4-1x_coco'
DEFORMABLE_DETR = 'deformable_detr/deformable-detr_r50_16xb2-50e_coco'
PVT = 'pvt/retinanet_pvt-t_fpn_1x_coco'
DINO = 'dino/dino-4scale_r50_8xb2-12e_coco'
MASK2FORMER = 'mask2former/mask2former_r50_8xb2-lsj-50e_coco'

# A 64x96 image: P2' has 32x48 cells. The cell in row 1 and column 3 begins at (6, 2).
CELL = 1 * 48 + 3


def test_argument_is_left_alone_and_the_package_imported(shipped):
    plain = shipped(RETINA)
    before = copy.deepcopy(plain.to_dict())
    extended = mmdet_efpn.extend_config(plain)
    assert plain.to_dict() == before
    assert isinstance(extended, Config)
    assert extended.custom_imports.imports == ['mmdet_efpn']
    changed = {key for key in before if before[key] != extended.to_dict()[key]}
    assert changed == {'model'}
    plain.custom_imports = dict(imports=['theirs'], allow_failed_imports=True)
    assert mmdet_efpn.extend_config(plain).custom_imports == dict(
        imports=['theirs', 'mmdet_efpn'], allow_failed_imports=True
    )


def test_random_numbers_are_left_alone(shipped):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    mmdet_efpn.extend_config(shipped('swin/retinanet_swin-t-p4-w7_fpn_1x_coco'))
    assert torch.equal(torch.rand(3), expected)


def test_retinanet_anchors_stand_on_p2_prime(shipped):
    head = mmdet_efpn.extend_config(shipped(RETINA)).model.bbox_head
    generator = TASK_UTILS.build(head.anchor_generator)
    anchors = generator.grid_priors([(32, 48)] + [(1, 1)] * 6, device='cpu')[0]
    assert len(anchors) == 32 * 48 * 9
    # scale 4, ratio 1 (the second of three ratios, three scales each): 8 px round the cell's corner
    assert anchors[9 * CELL + 3].tolist() == [2, -2, 10, 6]
    assert [stride[0] for stride in generator.strides] == [2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize('name', [ATSS, GFL, VFNET, TOOD, PAA, DDOD])
def test_one_anchor_a_cell_stands_on_p2_prime(shipped, name):
    head = mmdet_efpn.extend_config(shipped(name)).model.bbox_head
    generator = TASK_UTILS.build(head.anchor_generator)
    anchors = generator.grid_priors([(32, 48)] + [(1, 1)] * 6, device='cpu')[0]
    assert len(anchors) == 32 * 48
    assert anchors[CELL].tolist() == [-2, -6, 14, 10]  # scale 8: 16 px round the cell's corner
    assert [stride[0] for stride in generator.strides] == [2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize(
    ('name', 'point', 'strides'),
    [
        (FCOS, [7, 3], [2, 4, 8, 16, 32, 64, 128]),  # the cell's middle
        (FOVEA, [7, 3], [2, 4, 8, 16, 32, 64, 128]),
        (CENTERNET, [7, 3], [2, 4, 8, 16, 32, 64, 128]),
        (REPPOINTS, [6, 2], [2, 4, 8, 16, 32, 64, 128]),  # its corner
        (RTMDET, [6, 2], [2, 4, 8, 16, 32]),
        (YOLOX, [6, 2], [2, 4, 8, 16, 32]),
    ],
)
def test_points_stand_on_p2_prime(shipped, name, point, strides):
    model = mmdet_efpn.extend_config(shipped(name)).model
    head = MODELS.build(
        dict(model.bbox_head, norm_cfg=dict(type='BN')) if name == RTMDET else model.bbox_head
    )
    generator = head.prior_generator
    assert [stride[0] for stride in generator.strides] == strides
    points = generator.grid_priors([(32, 48)] + [(1, 1)] * (len(strides) - 1), device='cpu')[0]
    assert len(points) == 32 * 48
    assert points[CELL][:2].tolist() == point


@pytest.mark.parametrize(
    ('name', 'key', 'ranges'),
    [
        (
            FCOS,
            'regress_ranges',
            [(-1, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 512), (512, 1e8)],
        ),
        (
            VFNET,
            'regress_ranges',
            [(-1, 16), (16, 32), (32, 64), (64, 128), (128, 256), (256, 512), (512, 1e8)],
        ),
        (
            CENTERNET,
            'regress_ranges',
            [(0, 20), (16, 40), (32, 80), (64, 160), (128, 320), (256, 640), (512, 1e9)],
        ),
        (
            FOVEA,
            'scale_ranges',
            [(1, 16), (8, 32), (16, 64), (32, 128), (64, 256), (128, 512), (256, 2048)],
        ),
    ],
)
def test_smallest_range_is_that_of_p2_prime(shipped, name, key, ranges):
    head = mmdet_efpn.extend_config(shipped(name)).model.bbox_head
    assert [tuple(pair) for pair in head[key]] == ranges
    if name == FOVEA:
        assert head.base_edge_list == [4, 8, 16, 32, 64, 128, 256]


def test_finer_ranges_cover_what_the_first_covered():
    ranges = finer_ranges([(-1, 64), (64, 128)], num_added=2)
    assert ranges[0][0] == -1
    assert ranges[-2][1] == 64
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ranges))


def roi_extractors(name, value):
    """All extractors in a RoI head's config that choose a level for each RoI."""
    if isinstance(value, list):
        for part in value:
            yield from roi_extractors(name, part)
    elif isinstance(value, dict):
        if 'roi_extractor' in name and value['type'] == 'SingleRoIExtractor':
            yield name, value
        for key, part in value.items():
            if 'roi_extractor' in key:
                yield from roi_extractors(key, part)


@pytest.mark.parametrize(
    'name',
    [
        FASTER,
        MASK,
        CASCADE,
        HTC,
        POINT_REND,
        GRID,
        SPARSE,
        CASCADE_MASK,
        DOUBLE_HEAD,
        DYNAMIC,
        LIBRA,
        PAFPN,
        HRFPN,
    ],
)
def test_boxes_under_56_px_meet_p2_prime(shipped, name):
    roi_head = mmdet_efpn.extend_config(shipped(name)).model.roi_head
    found = {key: cfg for key, cfg in roi_extractors('', roi_head) if key != 'semantic_roi_extractor'}
    assert 'bbox_roi_extractor' in found
    # side in pixels: level counted from P2'; level = floor(4 + log2(side / 224)) - 1 within 0..4
    expected = {4: 0, 55: 0, 57: 1, 111: 1, 113: 2, 223: 2, 225: 3, 447: 3, 449: 4, 2000: 4}
    rois = torch.tensor([[0, 5, 5, 5 + side, 5 + side] for side in expected], dtype=torch.float)
    for cfg in found.values():
        extractor = MODELS.build(cfg)
        assert extractor.featmap_strides == [2, 4, 8, 16, 32]
        assert extractor.map_roi_levels(rois, 5).tolist() == list(expected.values())


def test_rpn_stays_off_p2_prime_unless_asked(shipped):
    rpn_head = mmdet_efpn.extend_config(shipped(FASTER)).model.rpn_head
    assert rpn_head.type == 'ExtendedRPNHead'
    assert rpn_head.anchor_generator.strides == [4, 8, 16, 32, 64]
    on_it = mmdet_efpn.extend_config(shipped(FASTER), rpn_on_p2_prime=True).model.rpn_head
    assert on_it.on_p2_prime
    assert on_it.anchor_generator.strides == [2, 4, 8, 16, 32, 64]
    head = MODELS.build(on_it)
    assert head.on_p2_prime
    anchors = head.prior_generator.grid_priors([(32, 48)] + [(1, 1)] * 5, device='cpu')[0]
    # scale 8, ratio 1 (the second of three): 16 px round the cell's corner
    assert anchors[3 * CELL + 1].tolist() == [-2, -6, 14, 10]
    with pytest.raises(ValueError, match=r'rpn_on_p2_prime=True: model.rpn_head \(EmbeddingRPNHead\)'):
        mmdet_efpn.extend_config(shipped(SPARSE), rpn_on_p2_prime=True)


def test_box_heads(shipped):
    roi_head = mmdet_efpn.extend_config(shipped(MASK)).model.roi_head
    assert roi_head.type == 'ExtendedRoIHead'
    assert 'extended_bbox_head' not in roi_head
    shared = mmdet_efpn.extend_config(shipped(MASK), extended_bbox_head=False).model.roi_head
    assert shared.extended_bbox_head is False
    extended, report = extend_with_report(shipped(CASCADE))
    assert extended.model.roi_head.type == 'CascadeRoIHead'
    assert any('CascadeRoIHead keeps its box heads' in line for line in report.kept)


def test_special_readers_of_levels(shipped):
    semantic = mmdet_efpn.extend_config(shipped(HTC)).model.roi_head
    assert (semantic.semantic_head.num_ins, semantic.semantic_head.fusion_level) == (6, 2)
    assert semantic.semantic_roi_extractor.featmap_strides == [8]
    fine = mmdet_efpn.extend_config(shipped(POINT_REND)).model.roi_head.mask_roi_extractor
    assert fine.featmap_strides == [2]  # PointRend samples its points from the finest level


def test_other_necks_are_wrapped(shipped):
    libra = mmdet_efpn.extend_config(shipped(LIBRA_RETINA)).model
    assert libra.neck.type == 'ExtendedNeck'
    assert libra.neck.c2_prime_channels == 64
    fpn, bfp = libra.neck.neck
    assert (fpn.type, fpn.start_level, fpn.num_outs) == ('FPN', 0, 6)
    assert (bfp.num_levels, bfp.refine_level) == (6, 2)  # refined at stride 16, as before
    rtmdet = mmdet_efpn.extend_config(shipped(RTMDET)).model
    assert rtmdet.neck.neck.in_channels == [64, 128, 256, 512]
    assert rtmdet.backbone.type == 'HighResolutionTap'
    assert tuple(rtmdet.backbone.backbone.out_indices) == (1, 2, 3, 4)
    coarse_hrfpn = shipped(HRFPN_FCOS)  # its convs of stride 2 begin the pyramid at stride 8
    extended = mmdet_efpn.extend_config(coarse_hrfpn).model
    assert (coarse_hrfpn.model.neck.stride, coarse_hrfpn.model.neck.num_outs) == (2, 5)
    assert (extended.neck.neck.stride, extended.neck.neck.num_outs) == (1, 6)
    assert extended.bbox_head.strides == [2, 4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize(
    ('name', 'indices', 'widths'),
    [
        ('swin/retinanet_swin-t-p4-w7_fpn_1x_coco', (0, 1, 2, 3), [64, 96, 192, 384, 768]),
        ('efficientnet/retinanet_effb3_fpn_8xb4-crop896-1x_coco', (2, 3, 4, 5), [24, 32, 48, 136, 384]),
        ('pvt/retinanet_pvt-t_fpn_1x_coco', None, [64, 64, 128, 320, 512]),
    ],
)
def test_backbones_that_began_at_stride_8_begin_at_stride_4(shipped, name, indices, widths):
    model = mmdet_efpn.extend_config(shipped(name)).model
    assert model.backbone.type == 'HighResolutionTap'
    assert model.backbone.backbone.get('out_indices') == indices
    assert (model.neck.type, model.neck.in_channels, model.neck.num_outs) == ('EFPN', widths, 7)
    assert model.neck.get('start_level', 0) == 0


def test_transformers_take_p3_prime_unless_asked(shipped):
    dino = mmdet_efpn.extend_config(shipped(DINO)).model
    assert dino.backbone.type == 'ResNet'
    assert tuple(dino.backbone.out_indices) == (0, 1, 2, 3)
    assert dino.neck.levels == 'p3_prime'
    assert dino.neck.neck.num_outs == 5
    assert dino.num_feature_levels == 5
    assert dino.encoder.layer_cfg.self_attn_cfg.num_levels == 5
    assert dino.decoder.layer_cfg.cross_attn_cfg.num_levels == 5
    full = mmdet_efpn.extend_config(shipped(DINO), levels='all').model
    assert full.num_feature_levels == 6
    assert full.neck.c2_prime_channels == 64
    head = mmdet_efpn.extend_config(shipped(MASK2FORMER)).model.panoptic_head
    assert (head.in_channels, head.strides) == ([256] * 4, [4, 8, 16, 32])


def test_ftt_and_c2_prime_are_chosen(shipped):
    model = mmdet_efpn.extend_config(shipped(RETINA)).model
    assert model.neck.ftt == dict(type='LightFTT')
    assert model.neck.extension_cfg == dict(channels=128, separable=True, p3_prime_scale=0.1)
    assert model.backbone.c2_prime == 'stem'
    assert model.neck.in_channels == [64, 256, 512, 1024, 2048]
    model = mmdet_efpn.extend_config(
        shipped(RETINA), ftt='PointwiseFTT', c2_prime='shared', separable=False
    ).model
    assert model.neck.ftt == dict(type='PointwiseFTT')
    assert 'extension_cfg' not in model.neck
    assert model.backbone.c2_prime == 'shared'
    assert model.neck.in_channels == [256, 256, 512, 1024, 2048]


def test_p3_prime_in_a_one_stage_detector(shipped):
    model = mmdet_efpn.extend_config(shipped(FCOS), levels='p3_prime').model
    assert model.backbone.type == 'ResNet'
    assert model.bbox_head.strides == [4, 8, 16, 32, 64, 128]
    assert tuple(model.bbox_head.regress_ranges[0]) == (-1, 32)
    for options in (dict(c2_prime='stem'), dict(separable=False)):
        with pytest.raises(ValueError, match="does not go with levels='p3_prime'"):
            mmdet_efpn.extend_config(shipped(FCOS), levels='p3_prime', **options)


@pytest.mark.parametrize('name', [FASTER, RETINA, RTMDET, YOLOX, DINO, MASK2FORMER])
def test_extending_twice_is_refused(shipped, name):
    extended = mmdet_efpn.extend_config(shipped(name))
    with pytest.raises(CannotExtendError, match='extended already'):
        mmdet_efpn.extend_config(extended)


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco', 'model.neck is missing'),
        ('yolo/yolov3_d53_8xb8-320-273e_coco', r'model.neck \(YOLOV3Neck\)'),
        ('ssd/ssd300_coco', r'model.neck \(SSDNeck\)'),
        ('detr/detr_r50_8xb2-150e_coco', 'attends to one map alone'),
        ('detectors/cascade-rcnn_r50-rfp_1x_coco', r'model.neck \(RFP\) feeds its levels back'),
        ('nas_fpn/retinanet_r50_nasfpn_crop640-50e_coco', 'is wired for 5 levels'),
        ('centernet/centernet_r18_8xb16-crop512-140e_coco', 'makes one level of stride 4'),
        ('common/lsj-100e_coco-detection', 'model is missing'),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(shipped, name, said):
    with pytest.raises(CannotExtendError, match=said):
        mmdet_efpn.extend_config(shipped(name))


@pytest.mark.parametrize(
    ('ftt', 'said'),
    [
        ('LigthFTT', r"ftt=\{'type': 'LigthFTT'\} cannot be built .*did you mean 'LightFTT'"),
        (
            dict(type='FTT', hidden=64),
            r"neck.ftt.hidden: FTT has no argument 'hidden'; .*hidden_channels",
        ),
        (dict(type='LightFTT', kernel_size=4), r'ftt: kernel_size must be odd, got 4'),
        (dict(type='ReLU'), 'cannot be built for 256 channels: '),
    ],
    ids=str,
)
def test_an_ftt_that_cannot_be_built_is_refused(shipped, ftt, said):
    with pytest.raises(ValueError, match=said):
        mmdet_efpn.extend_config(shipped(RETINA), ftt=ftt)


def test_images_are_padded_where_a_backbone_rounds_sizes_down(shipped):
    cfg = shipped(DEFORMABLE_DETR)
    assert cfg.model.data_preprocessor.pad_size_divisor == 1
    same = mmdet_efpn.extend_config(cfg).model.data_preprocessor  # ResNet rounds up
    assert same.pad_size_divisor == 1
    cfg.model.backbone = dict(shipped(PVT).model.backbone, out_indices=(1, 2, 3))
    cfg.model.neck.in_channels = [128, 320, 512]
    extended, report = extend_with_report(cfg)
    assert extended.model.data_preprocessor.pad_size_divisor == 32
    said = 'model.data_preprocessor.pad_size_divisor: 32, since this backbone rounds sizes down'
    assert any(line.startswith(said) for line in report.changes)


def test_what_was_changed_is_logged(shipped, monkeypatch):
    lines = []
    monkeypatch.setattr('mmdet_efpn.extend.config.print_log', lambda text, logger: lines.append(text))
    mmdet_efpn.extend_config(shipped(FASTER))
    assert 'model.neck: FPN to EFPN' in lines[0]
    assert 'custom_imports: mmdet_efpn, which registers' in lines[0]


def test_wrong_arguments_are_named(shipped):
    with pytest.raises(FileNotFoundError, match=r'gone.py'):
        mmdet_efpn.extend_config('gone.py')
    with pytest.raises(ValueError, match=r"levels must be one of .* got 'most'"):
        mmdet_efpn.extend_config(shipped(RETINA), levels='most')
    with pytest.raises(ValueError, match='rpn_on_p2_prime needs an RPN'):
        mmdet_efpn.extend_config(shipped(RETINA), rpn_on_p2_prime=True)
    with pytest.raises(ValueError, match='extended_bbox_head=False needs a RoI head'):
        mmdet_efpn.extend_config(shipped(RETINA), extended_bbox_head=False)
    with pytest.raises(ValueError, match="c2_prime='stem'"):
        mmdet_efpn.extend_config(shipped(RTMDET), c2_prime='stem')
    wrong = shipped(RETINA)
    wrong.model.neck.in_channels = [64, 512, 1024, 2048]
    with pytest.raises(CannotExtendError, match=r'model.neck.in_channels'):
        mmdet_efpn.extend_config(wrong)
    wrong = shipped(RETINA)
    wrong.model.bbox_head.anchor_generator.strides = [4, 8, 16, 32, 64]
    with pytest.raises(CannotExtendError, match=r'anchor_generator.strides'):
        mmdet_efpn.extend_config(wrong)
