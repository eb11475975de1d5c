"""Detectors with a transformer: which are extended, how many levels they attend to, that they train."""

import pytest
from mmdet.models.detectors import DINO
from mmdet.registry import MODELS

import mmdet_efpn
from mmdet_efpn.extend import CannotExtendError, build_detector, extend_with_report, try_detector

DDQ = 'ddq/ddq-detr-4scale_r50_8xb2-12e_coco'


def test_ddq_trains_and_predicts(shipped, small):
    cfg = small(shipped(DDQ, light=True))
    trial = try_detector(build_detector(mmdet_efpn.extend_config(cfg, check=False).model), (64, 128))
    assert trial.strides == (4, 8, 16, 32, 64)
    assert trial.num_detections > 0


@pytest.mark.parametrize(
    ('name', 'strides'),
    [
        (DDQ, [4, 8, 16, 32, 64]),
        ('grounding_dino/grounding_dino_r50_scratch_8xb2_1x_coco', [4, 8, 16, 32, 64]),
        ('ddq/ddq-detr-5scale_r50_8xb2-12e_coco', [4, 8, 16, 32, 64]),
    ],
)
def test_each_attention_takes_the_levels(shipped, name, strides):
    model = mmdet_efpn.extend_config(shipped(name), check=False).model
    assert model.num_feature_levels == len(strides)
    assert model.encoder.layer_cfg.self_attn_cfg.num_levels == len(strides)
    assert model.decoder.layer_cfg.cross_attn_cfg.num_levels == len(strides)


def test_a_child_of_dino_is_extended_as_dino(shipped):
    @MODELS.register_module()
    class OwnDINO(DINO):
        """A user's own."""

    try:
        cfg = shipped('dino/dino-4scale_r50_8xb2-12e_coco')
        cfg.model.type = 'OwnDINO'
        assert mmdet_efpn.extend_config(cfg, check=False).model.num_feature_levels == 5
    finally:
        MODELS._module_dict.pop('OwnDINO')


@pytest.mark.parametrize(
    'name',
    [
        'detr/detr_r18_8xb2-500e_coco',
        'conditional_detr/conditional-detr_r50_8xb2-50e_coco',
        'dab_detr/dab-detr_r50_8xb2-50e_coco',
    ],
)
def test_one_level_is_refused_with_a_way_round(shipped, name):
    with pytest.raises(CannotExtendError, match=r'attends to one map alone.*mmdet::dino'):
        extend_with_report(shipped(name))


def test_an_encoder_of_another_kind_is_refused_by_its_key(shipped):
    cfg = shipped('dino/dino-4scale_r50_8xb2-12e_coco')
    cfg.model.encoder = dict(num_layers=1, layer_cfg=dict(own_attention=dict()))
    with pytest.raises(CannotExtendError, match=r'model\.encoder\.layer_cfg\.self_attn_cfg is missing'):
        extend_with_report(cfg)


def test_an_encoder_with_parts_of_its_own_is_refused_by_its_key(shipped):
    cfg = shipped('dino/dino-4scale_r50_8xb2-12e_coco')
    cfg.model.encoder.fpn_cfg = dict(type='Own')  # as RT-DETR's, whose attention is on one level
    with pytest.raises(CannotExtendError, match=r'^model\.encoder\.fpn_cfg: '):
        extend_with_report(cfg)
