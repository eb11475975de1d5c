"""The assigner that ``extend`` sets: where it goes, that it trains, and where it has no meaning."""

import pytest

from mmdet_efpn import extend_config
from mmdet_efpn.extend import CannotExtendError
from mmdet_efpn.utils.errors import UserError

NWD = dict(type='NormalizedWasserstein2D')


def test_the_rpn_of_a_two_stage_detector():
    """Checked: the extended detector trains a step and predicts."""
    cfg = extend_config('mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', assigner='nwd')
    assert cfg.model.train_cfg.rpn.assigner.iou_calculator == NWD
    assert cfg.model.train_cfg.rpn.assigner.pos_iou_thr == 0.7
    assert 'iou_calculator' not in cfg.model.train_cfg.rcnn.assigner


def test_a_one_stage_detector():
    cfg = extend_config('mmdet::retinanet/retinanet_r18_fpn_1x_coco.py', assigner='nwd', check=False)
    assert cfg.model.train_cfg.assigner.iou_calculator == NWD
    assert cfg.model.train_cfg.assigner.pos_iou_thr == 0.5


@pytest.mark.parametrize(
    ('config', 'kind'),
    [
        ('mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py', 'none'),
        ('mmdet::atss/atss_r50_fpn_1x_coco.py', 'ATSSAssigner'),
    ],
)
def test_where_it_has_no_meaning(config, kind):
    with pytest.raises(CannotExtendError, match=f'train_cfg.assigner of this detector is {kind}'):
        extend_config(config, assigner='nwd', check=False)


def test_an_unknown_name():
    with pytest.raises(UserError, match="assigner must be one of nwd, got 'iou'"):
        extend_config('mmdet::retinanet/retinanet_r18_fpn_1x_coco.py', assigner='iou', check=False)
