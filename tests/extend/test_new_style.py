"""Configs of MMEngine's new style, whose types are classes."""

import pytest
from mmengine.config import Config

from mmdet_efpn.extend import extend_config, write_extended_config
from mmdet_efpn.extend.new_style import is_new_style, with_names, with_scope

BASE = """
from mmdet.models.backbones import ResNet
from mmdet.models.data_preprocessors import DetDataPreprocessor
from mmdet.models.dense_heads import RetinaHead
from mmdet.models.detectors import RetinaNet
from mmdet.models.losses import FocalLoss, L1Loss
from mmdet.models.necks import FPN
from mmdet.models.task_modules import (AnchorGenerator, DeltaXYWHBBoxCoder, MaxIoUAssigner,
                                       PseudoSampler)
from mmengine.optim import OptimWrapper
from torch.nn import BatchNorm2d
from torch.optim import SGD

model = dict(
    type=RetinaNet,
    data_preprocessor=dict(type=DetDataPreprocessor, pad_size_divisor=32),
    backbone=dict(type=ResNet, depth=18, norm_cfg=dict(type=BatchNorm2d), init_cfg=None),
    neck=dict(type=FPN, in_channels=[64, 128, 256, 512], out_channels=32, start_level=1,
              add_extra_convs='on_input', num_outs=5),
    bbox_head=dict(
        type=RetinaHead, num_classes=4, in_channels=32, feat_channels=32, stacked_convs=1,
        anchor_generator=dict(type=AnchorGenerator, octave_base_scale=4, scales_per_octave=3,
                              ratios=[0.5, 1.0, 2.0], strides=[8, 16, 32, 64, 128]),
        bbox_coder=dict(type=DeltaXYWHBBoxCoder), loss_cls=dict(type=FocalLoss, use_sigmoid=True),
        loss_bbox=dict(type=L1Loss)),
    train_cfg=dict(assigner=dict(type=MaxIoUAssigner, pos_iou_thr=0.5, neg_iou_thr=0.4,
                                 min_pos_iou=0, ignore_iof_thr=-1),
                   sampler=dict(type=PseudoSampler), allowed_border=-1, pos_weight=-1, debug=False),
    test_cfg=dict(nms_pre=1000, min_bbox_size=0, score_thr=0.05,
                  nms=dict(type='nms', iou_threshold=0.5), max_per_img=100))
optim_wrapper = dict(type=OptimWrapper, optimizer=dict(type=SGD, lr=0.01))
"""


@pytest.fixture
def config(tmp_path):
    """A config of the new style that inherits another."""
    (tmp_path / 'base.py').write_text(BASE)
    path = tmp_path / 'child.py'
    path.write_text(
        'from mmengine.config import read_base\n'
        'with read_base():\n'
        '    from .base import *\n'
        'model.bbox_head.num_classes = 7\n'
        "far = dict(limit=float('inf'), none=(float('nan'), 1))\n"
    )
    return path


def test_it_is_extended_and_written_whole(config, tmp_path):
    out = tmp_path / 'extended.py'
    report = write_extended_config(str(config), out)
    assert any('a finite loss' in line for line in report.checks)
    assert '_base_ =' not in out.read_text()
    cfg = Config.fromfile(out)
    assert cfg.model.type == 'mmdet.models.detectors.RetinaNet'
    assert cfg.model.neck.type == 'mmdet.EFPN'  # found whatever the default scope is
    assert cfg.model.neck.ftt.type == 'mmdet.LightFTT'
    assert cfg.model.bbox_head.num_classes == 7
    assert cfg.optim_wrapper.optimizer.type == 'torch.optim.SGD'
    assert cfg.far.limit == float('inf')


def test_the_argument_is_left_alone(config):
    cfg = Config.fromfile(config)
    extended = extend_config(cfg, check=False)
    assert is_new_style(cfg)
    assert not is_new_style(extended)


def test_classes_in_an_old_config_are_named(shipped):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco')
    assert not is_new_style(cfg)
    cfg.model.neck.type = dict  # any class
    assert is_new_style(cfg)
    assert with_names(cfg).model.neck.type == 'builtins.dict'


def test_only_names_of_mmdetections_registries_get_its_scope():
    assert with_scope(
        dict(type='FPN', norm_cfg=dict(type='BN'), parts=[dict(type='other.Kind')])
    ) == dict(type='mmdet.FPN', norm_cfg=dict(type='BN'), parts=[dict(type='other.Kind')])
