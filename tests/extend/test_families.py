"""Each family of detectors, extended: loss, a training step that reaches the extension, prediction."""

import pytest
import torch
from mmengine.config import ConfigDict

import mmdet_efpn
from mmdet_efpn.extend import build_detector, try_detector

pytestmark = pytest.mark.usefixtures('unchecked')

DETECTORS = {
    'Faster R-CNN': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'Cascade R-CNN': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco',
    'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    'Cascade Mask R-CNN': 'cascade_rcnn/cascade-mask-rcnn_r50_fpn_1x_coco',
    'PointRend': 'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
    'HTC': 'htc/htc_r50_fpn_1x_coco',
    'Double-Head R-CNN': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco',
    'Sparse R-CNN': 'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
    'Dynamic R-CNN': 'dynamic_rcnn/dynamic-rcnn_r50_fpn_1x_coco',
    'Grid R-CNN': 'grid_rcnn/grid-rcnn_r50_fpn_gn-head_1x_coco',
    'Libra R-CNN (FPN and BFP)': 'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco',
    'Faster R-CNN (PAFPN)': 'pafpn/faster-rcnn_r50_pafpn_1x_coco',
    'Faster R-CNN (FPN_CARAFE)': 'carafe/faster-rcnn_r50_fpn-carafe_1x_coco',
    'RetinaNet': 'retinanet/retinanet_r50_fpn_1x_coco',
    'FCOS': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'ATSS': 'atss/atss_r50_fpn_1x_coco',
    'ATSS (FPN and DyHead)': 'dyhead/atss_r50_fpn_dyhead_1x_coco',
    'GFL': 'gfl/gfl_r50_fpn_1x_coco',
    'VFNet': 'vfnet/vfnet_r50_fpn_1x_coco',
    'TOOD': 'tood/tood_r50_fpn_1x_coco',
    'PAA': 'paa/paa_r50_fpn_1x_coco',
    'RepPoints': 'reppoints/reppoints-moment_r50_fpn_1x_coco',
    'FoveaBox': 'foveabox/fovea_r50_fpn_4xb4-1x_coco',
    'RTMDet-s': 'rtmdet/rtmdet_s_8xb32-300e_coco',
    'YOLOX-s': 'yolox/yolox_s_8xb8-300e_coco',
    'CenterNet-update': 'centernet/centernet-update_r50_fpn_8xb8-amp-lsj-200e_coco',
    'DDOD': 'ddod/ddod_r50_fpn_1x_coco',
    'Deformable DETR': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'DINO': 'dino/dino-4scale_r50_8xb2-12e_coco',
    'Mask2Former': 'mask2former/mask2former_r50_8xb2-lsj-50e_coco',
    'Faster R-CNN (HRFPN)': 'hrnet/faster-rcnn_hrnetv2p-w18-1x_coco',
}
IMAGE_SIZE = (64, 128)
# Larger images: MMDetection's own need 900 tokens, or maps no smaller than a deformable conv's kernel.
IMAGE_SIZES = {'DINO': (128, 128), 'DDOD': (288, 288)}
QUICK = ('Faster R-CNN', 'Cascade R-CNN', 'RetinaNet', 'FCOS', 'YOLOX-s', 'Deformable DETR')
SLOW = [name for name in DETECTORS if name not in QUICK]
OCTAVES = [2, 4, 8, 16, 32, 64, 128]
TWO_STAGE, ONE_STAGE = OCTAVES[:6], OCTAVES
STRIDES = {
    'Sparse R-CNN': OCTAVES[:5],
    'RTMDet-s': OCTAVES[:5],
    'YOLOX-s': OCTAVES[:5],
    'Deformable DETR': OCTAVES[1:6],
    'DINO': OCTAVES[1:6],
    'Mask2Former': OCTAVES[1:5],
}


def check(name, cfg, width, device='cpu'):
    extended = mmdet_efpn.extend_config(cfg)
    trial = try_detector(build_detector(extended.model).to(device), IMAGE_SIZES.get(name, IMAGE_SIZE))
    expected = STRIDES.get(name, TWO_STAGE if 'roi_head' in cfg.model else ONE_STAGE)
    assert list(trial.strides) == expected
    assert set(trial.channels) == {width}
    assert trial.without_gradient == ()
    # HRNet's random weights make maps so large that all boxes leave the image
    assert trial.num_detections > 0 or cfg.model.backbone.type == 'HRNet'


@pytest.mark.parametrize('name', QUICK)
def test_light_detector_trains_and_predicts(shipped, name):
    check(name, shipped(DETECTORS[name], light=True), 128 if name == 'YOLOX-s' else 64)


@pytest.mark.parametrize(
    ('name', 'options', 'strides'),
    [
        (
            'Faster R-CNN',
            dict(rpn_on_p2_prime=True, ftt='PointwiseFTT', extended_bbox_head=False),
            TWO_STAGE,
        ),
        ('RetinaNet', dict(levels='p3_prime', ftt=dict(type='FTT', hidden_channels=16)), OCTAVES[1:]),
        ('Deformable DETR', dict(levels='all', c2_prime='shared', separable=False), OCTAVES[:6]),
    ],
)
def test_options_train_too(shipped, name, options, strides):
    cfg = shipped(DETECTORS[name], light=True)
    trial = try_detector(build_detector(mmdet_efpn.extend_config(cfg, **options).model), IMAGE_SIZE)
    assert list(trial.strides) == strides
    assert trial.without_gradient == ()


@pytest.mark.slow
@pytest.mark.parametrize('name', SLOW)
def test_shipped_detector_trains_and_predicts(shipped, name):
    if name == 'PAA':
        pytest.importorskip('sklearn', reason="MMDetection's PAA needs scikit-learn")
    carafe = 'CARAFE' in name
    if carafe and not torch.cuda.is_available():
        pytest.skip('CARAFE has no operator for the CPU')
    width = 128 if name == 'RTMDet-s' else 256
    check(name, shipped(DETECTORS[name]), width, 'cuda' if carafe else 'cpu')


@pytest.mark.parametrize(
    'backbone',
    [
        dict(type='SwinTransformer', embed_dims=16, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2)),
        dict(type='CSPNeXt', widen_factor=0.125, deepen_factor=0.17, out_indices=(1, 2, 3, 4)),
        dict(type='TimmBackbone', model_name='test_efficientnet'),
    ],
    ids=lambda backbone: backbone['type'],
)
def test_other_backbones(shipped, backbone):
    from mmdet_efpn.extend.probe import probe_backbone

    cfg = shipped(DETECTORS['RetinaNet'], light=True)
    cfg.model.backbone = ConfigDict(backbone)
    cfg.model.neck.in_channels = [feature.channels for feature in probe_backbone(backbone)]
    check('RetinaNet', cfg, 64)
