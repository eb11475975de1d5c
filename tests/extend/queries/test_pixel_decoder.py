"""MaskFormer, Mask2Former and its form for videos."""

import pytest
import torch
from mmdet.registry import MODELS

import mmdet_efpn
from benchmarks.common.wrapper_trial import build_wrapper, try_wrapper
from mmdet_efpn.extend import CannotExtendError, build_detector, try_detector

MASK_FORMER = 'maskformer/maskformer_r50_ms-16xb1-75e_coco'
MASK2FORMER = 'mask2former/mask2former_r50_8xb2-lsj-50e_coco'
VIDEO = 'mask2former_vis/mask2former_r50_8xb2-8e_youtubevis2019'


def shallow(cfg, head='panoptic_head'):
    """R-18 and one layer in each coder."""
    cfg.model.backbone.depth = 18
    cfg.model[head].in_channels = [64, 128, 256, 512]
    cfg.model[head].pixel_decoder.encoder.num_layers = 1
    cfg.model[head].transformer_decoder.num_layers = 1
    return cfg


@pytest.mark.parametrize(
    ('name', 'levels', 'strides'),
    [
        (MASK_FORMER, None, (4, 8, 16, 32)),
        (MASK2FORMER, 'all', (2, 4, 8, 16, 32)),
    ],
)
def test_trains_and_predicts(shipped, name, levels, strides):
    cfg = shallow(shipped(name))
    cfg.model.test_cfg.update(panoptic_on=False, instance_on=True)
    model = build_detector(mmdet_efpn.extend_config(cfg, levels=levels).model)
    trial = try_detector(model, (64, 128))
    assert trial.strides == strides
    assert trial.num_detections > 0


@pytest.mark.parametrize(('levels', 'finest'), [('all', 2), ('p3_prime', 4)])
@pytest.mark.parametrize(('name', 'head'), [(MASK2FORMER, 'panoptic_head'), (VIDEO, 'track_head')])
def test_the_pixel_decoder_itself_knows_the_strides(shipped, name, head, levels, finest):
    head = mmdet_efpn.extend_config(shipped(name), levels=levels, check=False).model[head]
    assert head.pixel_decoder.strides[0] == finest
    assert len(head.in_channels) == len(head.pixel_decoder.strides)


def test_videos_train_and_the_neck_keeps_its_learning_rate(shipped):
    cfg = mmdet_efpn.extend_config(shallow(shipped(VIDEO), 'track_head'), check=False)
    assert cfg.model.backbone.type == 'PyramidBackbone'
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys['backbone.neck'].lr_mult == 1.0
    model = build_wrapper(cfg.model)
    assert try_wrapper(model, classes=40)[1] == ()
    plain = MODELS.build(shallow(shipped(VIDEO), 'track_head').model.backbone)
    assert set(plain.state_dict()) < set(model.backbone.state_dict())
    assert torch.is_tensor(model.backbone.state_dict()['conv1.weight'])


def test_a_neck_that_is_there_keeps_its_width(shipped):
    cfg = shipped(MASK2FORMER)
    cfg.model.neck = dict(type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=128, num_outs=4)
    cfg.model.panoptic_head.in_channels = [128] * 4
    model = mmdet_efpn.extend_config(cfg, check=False).model
    assert model.neck.neck.out_channels == 128
    assert model.panoptic_head.in_channels == [128] * 4


def test_a_head_of_another_form_is_refused_by_its_key(shipped):
    cfg = shipped(MASK2FORMER)
    del cfg.model.panoptic_head.pixel_decoder
    with pytest.raises(CannotExtendError, match=r'^model\.panoptic_head\.pixel_decoder is missing'):
        mmdet_efpn.extend_config(cfg)
