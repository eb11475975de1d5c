"""Detectors with a trained teacher beside them: the levels must be the teacher's."""

import pytest
from mmdet.registry import MODELS

import mmdet_efpn
from mmdet_efpn.extend import CannotExtendError, extend_with_report
from mmdet_efpn.utils.pretrained import without_weights

LD = 'ld/ld_r18-gflv1-r101_fpn_1x_coco'
LAD = 'lad/lad_r50-paa-r101_fpn_2xb8_coco_1x'


def test_a_teacher_of_other_levels_is_refused_with_both_strides(shipped):
    with pytest.raises(CannotExtendError) as refused:
        extend_with_report(shipped(LD))
    sentence = str(refused.value)
    assert sentence.startswith('model.teacher_config: ')
    assert '[2, 4, 8, 16, 32, 64, 128]' in sentence
    assert '[8, 16, 32, 64, 128]' in sentence
    assert 'Extend the config of the teacher' in sentence


def test_a_teacher_that_cannot_be_read_is_refused_too(shipped):
    cfg = shipped(LD)
    cfg.model.teacher_config = 'configs/gone.py'
    with pytest.raises(CannotExtendError, match='the trained teacher has others'):
        extend_with_report(cfg)


@pytest.mark.parametrize('as_file', [True, False])
def test_an_extended_teacher_is_fine(shipped, tmp_path, as_file):
    teacher = mmdet_efpn.extend_config(shipped('gfl/gfl_r50_fpn_1x_coco'), check=False)
    cfg = shipped(LD)
    cfg.model.teacher_ckpt = None
    if as_file:
        teacher.dump(tmp_path / 'teacher.py')
        cfg.model.teacher_config = str(tmp_path / 'teacher.py')
    else:
        cfg.model.teacher_config = dict(model=without_weights(teacher.model))
    extended = mmdet_efpn.extend_config(cfg, check=False)
    strides = extended.model.bbox_head.anchor_generator.strides
    assert strides == teacher.model.bbox_head.anchor_generator.strides
    model = MODELS.build(without_weights(extended.model))
    assert model.bbox_head.prior_generator.num_levels == len(strides)


def test_labels_by_a_teachers_anchors_are_refused(shipped):
    with pytest.raises(CannotExtendError, match=r'^model\.teacher_bbox_head: LAD .*\(PAA'):
        extend_with_report(shipped(LAD))
