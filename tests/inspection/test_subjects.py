"""The detectors that an inspection looks at, and strides of their levels."""

import pytest
from mmengine.registry import init_default_scope

from mmdet_efpn.inspection.subjects import subjects_of


@pytest.mark.parametrize(
    ('name', 'plain', 'extended'),
    [
        ('retinanet/retinanet_r50_fpn_1x_coco', (8, 16, 32, 64, 128), (2, 4, 8, 16, 32, 64, 128)),
        # RoIs are pooled from four levels, and the RPN has a fifth
        ('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', (4, 8, 16, 32, 64), (2, 4, 8, 16, 32, 64)),
        # heads that do not tell: the levels are those of the maps
        ('guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco', (8, 16, 32, 64, 128), None),
        ('deformable_detr/deformable-detr_r50_16xb2-50e_coco', (8, 16, 32, 64), (4, 8, 16, 32, 64)),
    ],
)
def test_strides(shipped, name, plain, extended):
    init_default_scope('mmdet')
    subjects, cannot, notes = subjects_of(shipped(name))
    assert (cannot, notes) == (None, [])
    assert [subject.name for subject in subjects] == ['plain', 'extended']
    assert subjects[0].strides == plain
    if extended:
        assert subjects[1].strides == extended


def test_a_config_without_a_pyramid_says_why(shipped):
    subjects, cannot, _ = subjects_of(shipped('faster_rcnn/faster-rcnn_r50-caffe_c4-1x_coco'))
    assert [subject.name for subject in subjects] == ['plain']
    assert 'model.neck is missing' in cannot


def test_what_cannot_be_built_is_a_note(shipped):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco', light=True)
    cfg.model.bbox_head.loss_bbox = dict(type='NoSuchLoss')
    subjects, cannot, notes = subjects_of(cfg)
    assert cannot is None
    assert [subject.detector for subject in subjects] == [None, None]
    assert len(notes) == 2
    assert 'plain detector cannot be built here: KeyError: ' in notes[0]
    assert 'NoSuchLoss' in notes[0]
