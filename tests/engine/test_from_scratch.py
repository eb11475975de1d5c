"""Training from random weights, and what to do without a network."""

import urllib.error

import pytest
from mmdet.registry import MODELS
from mmengine.config import Config
from torch import nn

from mmdet_efpn.engine import frozen_random_parts, load_run_config, train_from_scratch
from mmdet_efpn.engine.downloads import explained_downloads
from mmdet_efpn.utils.errors import UserError

FASTER = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
CAFFE = 'mmdet::fcos/fcos_r50-caffe_fpn_gn-head_1x_coco.py'


@pytest.mark.parametrize('name', [FASTER, CAFFE])
def test_from_scratch_trains_every_stage_and_norm(name):
    cfg = load_run_config(name, ['load_from=old.pth'])
    changes = train_from_scratch(cfg)
    assert any(change.startswith('model.backbone.init_cfg: ') for change in changes)
    assert cfg.load_from is None
    assert frozen_random_parts(cfg) == {}
    backbone = MODELS.build(cfg.model.backbone)
    backbone.train()
    assert all(parameter.requires_grad for parameter in backbone.parameters())
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert all(norm.training for norm in norms)


def test_from_scratch_reaches_a_wrapped_backbone():
    plain = load_run_config(FASTER).model.backbone.to_dict()
    cfg = Config(dict(model=dict(backbone=dict(type='HighResolutionTap', backbone=plain))))
    train_from_scratch(cfg)
    assert cfg.model.backbone.backbone.frozen_stages == -1
    assert cfg.model.backbone.backbone.norm_eval is False
    assert cfg.model.backbone.backbone.init_cfg is None


def test_frozen_random_stages_are_told():
    cfg = load_run_config(FASTER)
    assert frozen_random_parts(cfg) == {}
    cfg.model.backbone.init_cfg = None
    both = ['model.backbone.frozen_stages', 'model.backbone.norm_eval']
    assert list(frozen_random_parts(cfg)) == both
    cfg.model.backbone.frozen_stages = -1
    del cfg.model.backbone['norm_eval']  # True is ResNet's default
    assert list(frozen_random_parts(cfg)) == both[1:]
    cfg.model.init_cfg = dict(type='Pretrained', checkpoint='detector.pth')
    assert frozen_random_parts(cfg) == {}
    cfg.model.init_cfg = None
    cfg.load_from = 'weights.pth'
    assert frozen_random_parts(cfg) == {}


def test_train_warns_of_frozen_random_stages(tiny_config, command, tmp_path):
    options = ['model.backbone.frozen_stages=1', 'train_dataloader.dataset.ann_file=gone.json']
    code, _, error = command('train', tiny_config, '--work-dir', tmp_path, '--cfg-options', *options)
    assert code == 2
    assert error.startswith('warning: model.backbone.frozen_stages keeps stages of random weights')
    assert '--from-scratch' in error.splitlines()[0]


def test_from_scratch_and_resume_contradict(tiny_config, command):
    code, _, error = command('train', tiny_config, '--from-scratch', '--resume')
    assert code == 2
    assert 'contradict' in error


def test_a_failed_download_names_the_ways_out():
    cfg = load_run_config(FASTER)
    expected = pytest.raises(UserError, match=r'torchvision://resnet50 .*--from-scratch')
    with expected as raised, explained_downloads(cfg):
        raise urllib.error.URLError('Name or service not known')
    assert '--cfg-options model.backbone.init_cfg.checkpoint=FILE' in str(raised.value)


def test_a_failed_timm_download_names_the_key_that_takes_a_file():
    cfg = load_run_config(FASTER)
    cfg.model.backbone = dict(type='TimmBackbone', model_name='resnet18', pretrained=True)
    expected = pytest.raises(UserError, match=r'weights resnet18 \(model\.backbone\.pretrained\)')
    with expected as raised, explained_downloads(cfg):
        raise ConnectionError('no network')
    assert '--cfg-options model.backbone.checkpoint_path=FILE' in str(raised.value)


def test_other_failures_pass(tiny_config):
    with pytest.raises(urllib.error.URLError), explained_downloads(load_run_config(tiny_config)):
        raise urllib.error.URLError('nothing to download here')
    with (
        pytest.raises(RuntimeError, match='out of memory'),
        explained_downloads(load_run_config(FASTER)),
    ):
        raise RuntimeError('out of memory')


def test_efficientnet_counts_frozen_stages_from_one():
    cfg = load_run_config('mmdet::efficientnet/retinanet_effb3_fpn_8xb4-crop896-1x_coco.py')
    cfg.model.backbone.update(frozen_stages=3, init_cfg=None)
    assert 'model.backbone.frozen_stages' in frozen_random_parts(cfg)
    train_from_scratch(cfg)
    assert cfg.model.backbone.frozen_stages == 0
    assert 'model.backbone.frozen_stages' not in frozen_random_parts(cfg)
    MODELS.build(cfg.model.backbone)  # it takes no -1


def test_a_backbones_slow_rate_and_timms_file_go_too():
    cfg = load_run_config(FASTER)
    cfg.model.backbone = dict(type='TimmBackbone', model_name='resnet18', checkpoint_path='weights.pth')
    rules = {'backbone': dict(lr_mult=0.1, decay_mult=0.5), 'neck': dict(lr_mult=0.3)}
    cfg.optim_wrapper.paramwise_cfg = dict(custom_keys=rules)
    changes = train_from_scratch(cfg)
    assert cfg.model.backbone.checkpoint_path == ''
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys == {
        'backbone': dict(lr_mult=1.0, decay_mult=0.5),
        'neck': dict(lr_mult=0.3),
    }
    assert "optim_wrapper.paramwise_cfg.custom_keys['backbone'].lr_mult: 0.1 to 1.0" in changes
