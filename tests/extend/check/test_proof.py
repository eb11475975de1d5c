"""What prove says of extended detectors with one fault each, made by hand."""

import copy

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

import mmdet_efpn
from mmdet_efpn.extend import CannotExtendError, Report
from mmdet_efpn.extend.check import prove
from mmdet_efpn.extend.check.weights import check_plain_weights
from mmdet_efpn.extend.parts.pyramid import Levels

RETINA = 'retinanet/retinanet_r50_fpn_1x_coco'
FASTER = 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco'
ONE_STAGE = Levels((8, 16, 32, 64, 128), (2, 4, 8, 16, 32, 64, 128))
TWO_STAGE = Levels((4, 8, 16, 32, 64), (2, 4, 8, 16, 32, 64))


@pytest.fixture
def faulty(shipped, monkeypatch):
    """Function that extends a config, lets ``fault(cfg)`` spoil it, and proves the result."""

    def run(name, fault, levels, with_optimiser=False):
        plain, report = shipped(name, light=True), Report()
        with monkeypatch.context() as patch:
            patch.setattr('mmdet_efpn.extend.config.prove', lambda *args: None)
            patch.setattr('mmdet_efpn.extend.config.note_price', lambda *args: None)
            extended = mmdet_efpn.extend_config(plain)
        fault(extended)
        wrappers = (plain.optim_wrapper, extended.optim_wrapper) if with_optimiser else (None, None)
        prove(plain.model.to_dict(), extended.model.to_dict(), levels, wrappers, report)
        return report

    return run


def test_without_a_fault_it_says_what_was_run(faulty):
    report = faulty(FASTER, lambda cfg: None, TWO_STAGE, with_optimiser=True)
    assert len(report.checks) == 1
    assert 'a finite loss, gradients in all of the extension, a prediction' in report.checks[0]
    assert 'learning rates' in report.checks[0]
    assert report.kept == []


def test_what_was_set_before_stays(faulty):
    torch.manual_seed(1)
    expected = torch.rand(2)
    level = MMLogger.get_current_instance().level
    torch.manual_seed(1)
    faulty(RETINA, lambda cfg: None, ONE_STAGE)
    assert torch.equal(torch.rand(2), expected)
    assert MMLogger.get_current_instance().level == level


def set_strides(cfg):
    cfg.model.bbox_head.anchor_generator.strides = [4, 8, 16, 32, 64, 128, 256]


def set_scale(cfg):
    cfg.model.bbox_head.anchor_generator.octave_base_scale = 3


def add_base_sizes(cfg):
    cfg.model.bbox_head.anchor_generator.base_sizes = [8, 8, 8, 16, 32, 64, 128]


def lose_a_level(cfg):
    cfg.model.neck.num_outs = 6


def widen_a_conv(cfg):
    cfg.model.bbox_head.feat_channels = 32


@pytest.mark.parametrize(
    ('fault', 'said'),
    [
        (set_strides, r'model\.bbox_head: strides of its anchors or points are \[4, 8,'),
        (set_scale, r'model\.bbox_head: its anchors or points of stride 8 would not stay'),
        (add_base_sizes, r'model\.bbox_head: the anchors or points of the new level 0 are not half'),
        (lose_a_level, r'model\.bbox_head \(RetinaHead\) does not work .*AssertionError'),
        (widen_a_conv, r'weights of the plain detector would have no place.*bbox_head'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_a_fault_of_a_one_stage_detector_is_named(faulty, fault, said):
    with pytest.raises(CannotExtendError, match=said):
        faulty(RETINA, fault, ONE_STAGE)


def keep_finest_scale(cfg):
    cfg.model.roi_head.bbox_roi_extractor.finest_scale = 56


def floor_finest_scale(cfg):
    cfg.model.roi_head.bbox_roi_extractor.finest_scale = 20


def strides_of_rois(cfg):
    cfg.model.roi_head.bbox_roi_extractor.featmap_strides = [2, 4, 8, 16]


@pytest.mark.parametrize(
    ('fault', 'said'),
    [
        (keep_finest_scale, r'a RoI of 113 px would be pooled from stride 4|from stride 2'),
        (floor_finest_scale, r'a RoI of 80 px would be pooled from stride 8, which .* stride 4'),
        (strides_of_rois, r'a RoI of 500 px would be pooled from stride 16'),
    ],
    ids=lambda value: getattr(value, '__name__', ''),
)
def test_a_fault_of_roi_levels_is_named(faulty, fault, said):
    with pytest.raises(CannotExtendError, match=said):
        faulty(FASTER, fault, TWO_STAGE)


def test_another_learning_rate_is_named(faulty):
    def fault(cfg):
        cfg.optim_wrapper = dict(cfg.optim_wrapper, paramwise_cfg=dict(bias_lr_mult=2.0))

    with pytest.raises(CannotExtendError, match=r'optim_wrapper\.paramwise_cfg: \S+bias had'):
        faulty(RETINA, fault, ONE_STAGE, with_optimiser=True)


def test_an_rpn_alone_that_leaves_p2_prime_out_does_not_train_it(faulty):
    def fault(cfg):
        cfg.model.rpn_head.on_p2_prime = False
        cfg.model.rpn_head.anchor_generator.strides = [4, 8, 16, 32, 64]

    with pytest.raises(CannotExtendError, match='get no gradient'):
        faulty('rpn/rpn_r50_fpn_1x_coco', fault, TWO_STAGE)


def test_what_fails_in_the_plain_detector_too_is_told_and_not_blamed(shipped):
    cfg = shipped(FASTER, light=True)
    cfg.model.train_cfg.rcnn.assigner.match_low_quality = 'no'
    cfg.model.train_cfg.rcnn.sampler.type = 'NoSuchSampler'
    extended, report = mmdet_efpn.extend.extend_with_report(cfg)
    assert extended.model.neck.type == 'EFPN'
    said = [line for line in report.kept if line.startswith('not checked to the end')]
    assert len(said) == 1
    assert 'NoSuchSampler' in said[0]


def test_the_argument_is_left_alone(shipped):
    cfg = shipped(RETINA, light=True)
    before = copy.deepcopy(cfg.to_dict())
    mmdet_efpn.extend_config(cfg)
    assert cfg.to_dict() == before


def test_norms_of_stages_that_a_backbone_gives_in_addition_are_new():
    def model(*stages):
        whole = nn.Module()
        whole.backbone = nn.ModuleDict({f'norm{stage}': nn.LayerNorm(4) for stage in stages})
        whole.backbone.out_indices = stages
        return whole

    check_plain_weights(model(2, 3), model(0, 1, 2, 3))
    odd = model(1, 2, 3)
    odd.backbone.out_indices = (2, 3)
    with pytest.raises(CannotExtendError, match=r'2 weights besides .* backbone\.norm1\.weight'):
        check_plain_weights(model(2, 3), odd)
