"""Kinds of detectors whose levels are counted in a way of their own: extended, built and run."""

import pytest
from mmdet.registry import MODELS

from mmdet_efpn.extend import CannotExtendError, extend_with_report
from mmdet_efpn.utils.errors import UserError

TRAINED = 'a finite loss, gradients in all of the extension'
CASES = {
    'RPN alone': 'rpn/rpn_r50_fpn_1x_coco',
    'SABL': 'sabl/sabl-faster-rcnn_r50_fpn_1x_coco',
    'SABL Cascade': 'sabl/sabl-cascade-rcnn_r50_fpn_1x_coco',
    'Double-Head': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco',
    'Cascade RPN': 'cascade_rpn/cascade-rpn_faster-rcnn_r50-caffe_fpn_1x_coco',
    'FCOS as RPN': 'faster_rcnn/faster-rcnn_r50_fpn_fcos-rpn_1x_coco',
    'GA-RetinaNet': 'guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco',
    'GA-Faster R-CNN': 'guided_anchoring/ga-faster-rcnn_r50-caffe_fpn_1x_coco',
    'CrowdDet': 'crowddet/crowddet-rcnn_r50_fpn_8xb2-30e_crowdhuman',
    'SOLO': 'solo/decoupled-solo_r50_fpn_1x_coco',
    'CondInst': 'condinst/condinst_r50_fpn_ms-poly-90k_coco_instance',
    'YOLACT': 'yolact/yolact_r50_1xb8-55e_coco',
    'RTMDet-Ins': 'rtmdet/rtmdet-ins_tiny_8xb32-300e_coco',
    'Panoptic FPN': 'panoptic_fpn/panoptic-fpn_r50_fpn_1x_coco',
}


@pytest.mark.parametrize('name', CASES)
def test_it_trains(shipped, name):
    _, report = extend_with_report(shipped(CASES[name]))
    assert any(TRAINED in line for line in report.checks)


def test_an_rpn_alone_proposes_on_p2_prime(shipped):
    cfg = shipped(CASES['RPN alone'])
    model = extend_with_report(cfg, check=False)[0].model
    assert model.rpn_head.on_p2_prime is True
    assert model.rpn_head.anchor_generator.strides == [2, 4, 8, 16, 32, 64]
    with pytest.raises(UserError, match='nothing else would read'):
        extend_with_report(cfg, rpn_on_p2_prime=False, check=False)


def test_an_rpn_of_another_kind_cannot_leave_p2_prime_out(shipped):
    cfg = shipped(CASES['GA-Faster R-CNN'])
    model = extend_with_report(cfg, check=False)[0].model
    assert model.rpn_head.square_anchor_generator.strides == [2, 4, 8, 16, 32, 64]
    assert 'anchor_generator' not in model.rpn_head
    with pytest.raises(UserError, match=r'rpn_on_p2_prime=False: model\.rpn_head \(GARPNHead\)'):
        extend_with_report(cfg, rpn_on_p2_prime=False, check=False)


def test_both_stages_of_a_cascade_rpn_get_the_levels(shipped):
    stages = extend_with_report(shipped(CASES['Cascade RPN']), check=False)[0].model.rpn_head.stages
    assert [stage.anchor_generator.strides[0] for stage in stages] == [2, 2]


@pytest.mark.parametrize('name', ['solo/solo_r50_fpn_1x_coco', 'solov2/solov2_r50_fpn_1x_coco'])
def test_masks_laid_out_for_stride_four_get_p3_prime(shipped, name):
    cfg = shipped(name)
    model = extend_with_report(cfg, check=False)[0].model
    assert model.neck.levels == 'p3_prime'
    assert model.mask_head.strides == cfg.model.mask_head.strides
    with pytest.raises(CannotExtendError, match="use levels='p3_prime'"):
        extend_with_report(cfg, levels='all', check=False)


def test_the_mask_loss_is_taken_at_the_finest_stride(shipped):
    cfg = shipped(CASES['RTMDet-Ins'])
    assert extend_with_report(cfg, check=False)[0].model.bbox_head.mask_loss_stride == 2
    same = extend_with_report(cfg, levels='p3_prime', check=False)[0].model.bbox_head
    assert same.get('mask_loss_stride', 4) == 4


@pytest.mark.parametrize('scale', [56, 57, 30])
def test_the_scale_of_roi_levels_is_halved_exactly(shipped, scale):
    cfg = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco')
    cfg.model.roi_head.bbox_roi_extractor.finest_scale = scale
    model = extend_with_report(cfg, check=False)[0].model
    assert model.roi_head.bbox_roi_extractor.finest_scale == scale / 2


def test_a_neck_whose_levels_are_not_known_is_run(shipped):
    cfg = shipped('fpg/faster-rcnn_r50_fpg-chn128_crop640-50e_coco')
    _, report = extend_with_report(cfg)
    assert any('FPG inside ExtendedNeck' in line for line in report.changes)
    assert any(TRAINED in line for line in report.checks)


def test_a_backbone_of_one_stride_under_a_neck_that_makes_a_pyramid(shipped):
    """ViTDet's form: one map of stride 16, and a neck that begins at stride 4."""
    import torch
    from mmengine.model import BaseModule
    from torch import nn

    class Patches(BaseModule):
        def __init__(self, in_channels=3):
            super().__init__()
            self.patch = nn.Conv2d(in_channels, 16, 16, 16)

        def forward(self, x):
            return (self.patch(x),)

    class SimplePyramid(BaseModule):
        def __init__(self, in_channels=16, out_channels=64, num_outs=5):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(in_channels, out_channels, 1) for _ in range(num_outs))

        def forward(self, inputs):
            scales = (4, 2, 1, 0.5, 0.25)
            return tuple(
                nn.functional.interpolate(conv(inputs[0]), scale_factor=scale)
                for conv, scale in zip(self.convs, scales, strict=True)
            )

    for cls in (Patches, SimplePyramid):
        MODELS.register_module(module=cls, force=True)
    try:
        cfg = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', light=True)
        cfg.model.backbone = dict(type='Patches')
        cfg.model.neck = dict(type='SimplePyramid')
        extended, report = extend_with_report(cfg)
        assert extended.model.neck.out_channels == 64
        assert any(TRAINED in line for line in report.checks)
        levels = MODELS.build(extended.model.neck)(
            MODELS.build(extended.model.backbone)(torch.rand(1, 3, 128, 128))
        )
        assert [level.shape[-1] for level in levels] == [64, 32, 16, 8, 4, 2]
    finally:
        for cls in (Patches, SimplePyramid):
            MODELS._module_dict.pop(cls.__name__)
