"""Detectors inside trackers, semi-supervised pairs and distillers are extended where they are."""

import copy

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict

import mmdet_efpn
from benchmarks.common.wrapper_trial import build_wrapper, try_wrapper
from mmdet_efpn.checkpoints.extend_weights import extend_weights
from mmdet_efpn.extend import CannotExtendError, extend_with_report
from mmdet_efpn.extend.wrappers import inner_detectors
from mmdet_efpn.utils.pretrained import without_weights

SOFT_TEACHER = 'soft_teacher/soft-teacher_faster-rcnn_r50-caffe_fpn_180k_semi-0.1-coco'
BYTE_TRACK = 'bytetrack/bytetrack_yolox_x_8xb4-80e_crowdhuman-mot17halftrain_test-mot17halfval'
QD_TRACK = 'qdtrack/qdtrack_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval'
MASK_TRACK = 'masktrack_rcnn/masktrack-rcnn_mask-rcnn_r50_fpn_8xb1-12e_youtubevis2019'
SORT = 'sort/sort_faster-rcnn_r50_fpn_8xb2-4e_mot17halftrain_test-mot17halfval'
OCTAVES = [2, 4, 8, 16, 32, 64]


def shallow(cfg):
    """The detector inside with R-18, and narrow box heads."""
    detector = cfg.model.detector
    detector.roi_head.bbox_head.fc_out_channels = 32
    detector.train_cfg.rpn_proposal.max_per_img = detector.test_cfg.rpn.max_per_img = 50
    detector.train_cfg.rcnn.sampler.num = 32
    detector.test_cfg.rcnn.max_per_img = 20
    detector.backbone.update(depth=18, style='pytorch')
    detector.neck.in_channels = [64, 128, 256, 512]
    return cfg


@pytest.mark.parametrize(('name', 'classes'), [(QD_TRACK, 1), (MASK_TRACK, 40)])
def test_tracker_trains_and_tracks(shipped, name, classes):
    plain = shallow(shipped(name))
    if name == MASK_TRACK:
        plain.model.track_head.embed_head.fc_out_channels = 32
    cfg, report = extend_with_report(plain, check=False)
    extractor = cfg.model.track_head.roi_extractor
    assert extractor.featmap_strides == OCTAVES[:5]
    assert extractor.finest_scale == 28
    assert any(line.startswith('model.track_head.roi_extractor') for line in report.changes)
    model = build_wrapper(cfg.model)
    _, unchanged = try_wrapper(model, classes)
    assert unchanged == ()
    assert not any(build_wrapper(cfg.model).load_state_dict(model.state_dict()))


@pytest.mark.parametrize(
    ('name', 'levels', 'neck', 'strides'),
    [
        (BYTE_TRACK, None, 'ExtendedNeck', OCTAVES[:5]),
        (BYTE_TRACK, 'p3_prime', 'ExtendedNeck', OCTAVES[1:5]),
    ],
)
def test_one_stage_detector_inside_a_tracker(shipped, name, levels, neck, strides):
    cfg, report = extend_with_report(shipped(name), levels=levels, check=False)
    detector = cfg.model.detector
    assert detector.neck.type == neck
    assert detector.bbox_head.strides == strides
    assert cfg.model.tracker == shipped(name).model.tracker
    (line,) = [line for line in report.kept if line.startswith('model.detector.init_cfg.checkpoint')]
    assert 'extend-weights' in line
    wrong = [line for line in report.changes if line.startswith('model.') and 'detector' not in line]
    assert wrong == []


def test_sort_extends_its_detector_alone(shipped):
    cfg = mmdet_efpn.extend_config(shallow(shipped(SORT)), check=False)
    assert cfg.model.type == 'DeepSORT'
    assert cfg.model.detector.neck.type == 'EFPN'
    assert 'mmdet_efpn' in cfg.custom_imports.imports
    assert try_wrapper(build_wrapper(cfg.model), classes=1)[1] == ()


def test_soft_teacher_trains_both_and_predicts(shipped):
    cfg = mmdet_efpn.extend_config(shallow(shipped(SOFT_TEACHER)), check=False)
    assert 'skip_buffer' not in cfg.custom_hooks[0]  # nothing new has statistics
    cfg.model.semi_train_cfg.update(
        pseudo_label_initial_score_thr=0.0,
        rpn_pseudo_thr=0.0,
        cls_pseudo_thr=0.0,
        reg_pseudo_thr=1.0,
        jitter_times=2,
    )
    model = build_wrapper(cfg.model)
    assert not any(weight.requires_grad for weight in model.teacher.parameters())
    _, unchanged = try_wrapper(model, classes=80)
    assert {name.partition('.')[0] for name in unchanged} == {'teacher'}  # which its hook moves
    assert not any(build_wrapper(cfg.model).load_state_dict(model.state_dict()))


def test_teacher_follows_the_statistics_of_a_new_stem(shipped):
    cfg = shipped(SOFT_TEACHER)
    cfg.model.detector.backbone = ConfigDict(
        type='SwinTransformer', embed_dims=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)
    )
    cfg.model.detector.neck.in_channels = [16, 32, 64, 128]
    extended, report = extend_with_report(cfg, check=False)
    assert extended.custom_hooks[0].skip_buffer is False
    assert any(line.startswith('custom_hooks[0].skip_buffer') for line in report.changes)
    assert 'skip_buffer' not in cfg.custom_hooks[0]  # the argument is left alone


def test_padding_is_set_where_the_images_come_from(shipped):
    cfg = shallow(shipped(SOFT_TEACHER))
    cfg.model.detector.backbone = ConfigDict(
        type='SwinTransformer', embed_dims=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)
    )
    cfg.model.detector.neck.in_channels = [16, 32, 64, 128]
    inside = cfg.model.data_preprocessor.data_preprocessor
    inside.pad_size_divisor = 1
    cfg.model.detector.data_preprocessor = copy.deepcopy(inside)
    extended, report = extend_with_report(cfg, check=False)
    rounds_down = any('pad_size_divisor' in line for line in report.changes)
    set_to = extended.model.data_preprocessor.data_preprocessor.pad_size_divisor
    assert set_to == (32 if rounds_down else 1)
    assert extended.model.detector.data_preprocessor.pad_size_divisor == set_to
    assert all(
        line.startswith('model.data_preprocessor.data_preprocessor.')
        for line in report.changes
        if 'pad_size_divisor' in line
    )


def test_distiller_around_a_plain_detector(shipped):
    plain = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', light=True)
    cfg = copy.deepcopy(plain)
    cfg.model = dict(type='CrossResolutionDistiller', detector=plain.model)
    extended, report = extend_with_report(cfg)
    assert extended.model.detector.neck.type == 'EFPN'
    assert any(line.startswith('model.detector.neck') for line in report.changes)
    _, unchanged = try_wrapper(build_wrapper(extended.model), classes=80)
    assert unchanged == ()


def test_nested_wrappers_carry_whole_keys(shipped):
    cfg = shallow(shipped(SORT))
    cfg.model.detector = dict(type='PartlyTrainedDetector', detector=cfg.model.detector)
    extended, report = extend_with_report(cfg, check=False)
    assert extended.model.detector.detector.neck.type == 'EFPN'
    assert any(line.startswith('model.detector.detector.neck') for line in report.changes)


def test_both_of_a_pair_with_configs_of_their_own(shipped):
    plain = shipped('retinanet/retinanet_r18_fpn_1x_coco')
    cfg = copy.deepcopy(plain)
    cfg.model = dict(type='OwnPair', student=plain.model, teacher=copy.deepcopy(plain.model))
    extended, report = extend_with_report(cfg, check=False)
    assert extended.model.student == extended.model.teacher
    assert extended.model.student.neck.type == 'EFPN'
    assert sum('custom_imports' in line for line in report.changes) == 1


def test_refusals_carry_whole_keys(shipped):
    cfg = shipped(SORT)
    cfg.model.detector.neck.in_channels = [1, 2, 3, 4]
    with pytest.raises(CannotExtendError, match=r'^model\.detector\.neck\.in_channels ') as refused:
        extend_with_report(cfg)
    assert 'but model.detector.backbone gives' in str(refused.value)
    twice = mmdet_efpn.extend_config(shipped(SORT), check=False)
    with pytest.raises(CannotExtendError, match=r'^model\.detector\.\S+ is .* extended already'):
        extend_with_report(twice)


def test_several_detectors_inside_are_not_guessed():
    model = dict(
        type='Own',
        near=dict(type='FCOS', backbone=dict(type='ResNet')),
        far=dict(type='FCOS', backbone=dict(type='ResNet')),
    )
    with pytest.raises(CannotExtendError, match=r'several detectors inside \(near, far\)'):
        inner_detectors(model)
    assert inner_detectors(dict(type='Own', near=model['near'])) == ('near',)


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('misc/d2_retinanet_r50-caffe_fpn_ms-90k_coco', r'model \(Detectron2Wrapper\)'),
        ('reid/reid_r50_8xb32-6e_mot17train80_test-mot17val20', r'model \(BaseReID\)'),
    ],
)
def test_what_holds_no_detector_of_mmdetection_is_refused(shipped, name, said):
    with pytest.raises(CannotExtendError, match=said):
        extend_with_report(shipped(name))


@pytest.mark.parametrize('name', [SOFT_TEACHER, QD_TRACK])
def test_written_file_reads_back(command, tmp_path, name):
    out = tmp_path / 'extended.py'
    code, said, error = command('extend', f'mmdet::{name}.py', out)
    assert code == 0, error
    assert 'model.detector.neck: FPN to EFPN' in said
    assert Config.fromfile(out).model.detector.neck.type == 'EFPN'


def test_weights_of_a_detector_alone_keep_their_names(shipped, tmp_path):
    cfg = shipped(SOFT_TEACHER)
    fcos = shipped('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco').model
    fcos.backbone.update(depth=18, style='pytorch')
    fcos.neck.in_channels = [64, 128, 256, 512]
    fcos.pop('data_preprocessor')
    cfg.model.detector = fcos
    plain = MODELS.build(without_weights(fcos))
    torch.save(dict(state_dict=plain.state_dict()), tmp_path / 'plain.pth')
    mmdet_efpn.extend_config(cfg, check=False).dump(tmp_path / 'extended.py')
    out = tmp_path / 'out.pth'
    missing = extend_weights(tmp_path / 'plain.pth', tmp_path / 'extended.py', out).missing
    assert missing
    assert not any(name.startswith(('student.', 'teacher.')) for name in missing)
    moved = torch.load(tmp_path / 'out.pth')['state_dict']
    # the plain pyramid begins at stride 8, the extended one at 2: two finer scales in front
    assert torch.equal(moved['bbox_head.scales.2.scale'], plain.state_dict()['bbox_head.scales.0.scale'])
    assert 'bbox_head.scales.0.scale' in missing


def test_detector_of_a_tracker_is_checked_as_it_is_outside(shipped):
    cfg = shallow(shipped(SORT))
    extended, report = extend_with_report(cfg)
    assert any('run on 64x64' in line for line in report.checks)
    assert not any('not checked' in line for line in report.kept)
    assert extended.model.data_preprocessor == cfg.model.data_preprocessor
    assert 'data_preprocessor' not in extended.model.detector
