"""--cfg-options: known keys change a config, unknown ones are errors with the nearest name."""

import pytest
from mmengine.config import Config

from mmdet_efpn.engine import apply_cfg_options, load_run_config


@pytest.fixture
def cfg(tiny_config) -> Config:
    return load_run_config(tiny_config)


@pytest.mark.parametrize(
    ('option', 'where', 'value'),
    [
        ('train_dataloader.batch_size=3', 'train_dataloader.batch_size', 3),
        ('model.backbone.depth=34', 'model.backbone.depth', 34),
        # arguments of the class, which the config does not name
        ('model.neck.sparse=True', 'model.neck.sparse', True),
        ('model.backbone.c2_prime=stem', 'model.backbone.c2_prime', 'stem'),
        ('model.neck.extension_cfg.separable=True', 'model.neck.extension_cfg.separable', True),
        ('optim_wrapper.clip_grad.max_norm=3', 'optim_wrapper.clip_grad.max_norm', 3),
        (
            'optim_wrapper.paramwise_cfg.norm_decay_mult=0',
            'optim_wrapper.paramwise_cfg.norm_decay_mult',
            0,
        ),
        ('default_hooks.checkpoint.save_best=auto', 'default_hooks.checkpoint.save_best', 'auto'),
        ('train_cfg.val_begin=2', 'train_cfg.val_begin', 2),
        ('param_scheduler.0.end=9', 'param_scheduler.0.end', 9),
        # keys that the runner or the data loader reads
        ('randomness.deterministic=True', 'randomness.deterministic', True),
        ('train_dataloader.persistent_workers=True', 'train_dataloader.persistent_workers', True),
        ('env_cfg.dist_cfg.timeout=60', 'env_cfg.dist_cfg.timeout', 60),
        ('load_from=a.pth', 'load_from', 'a.pth'),
        ('train_dataloader.dataset.indices=2', 'train_dataloader.dataset.indices', 2),
        # on purpose
        ('+my.own.key=[1,2]', 'my.own.key', [1, 2]),
        ('+model.test_cfg.rcnn.own=1', 'model.test_cfg.rcnn.own', 1),
    ],
)
def test_known_keys(cfg, option, where, value):
    apply_cfg_options(cfg, [option], 'a.py')
    node = cfg
    for part in where.split('.'):
        node = node[int(part)] if part.isdecimal() else node[part]
    assert node == value


@pytest.mark.parametrize(
    ('key', 'near'),
    [
        ('modle.neck.num_outs', 'model'),
        ('model.nek.num_outs', 'model.neck'),
        ('model.neck.num_out', 'model.neck.num_outs'),
        ('model.neck.ftt.hiden_channels', 'model.neck.ftt.hidden_channels'),
        ('model.neck.extension_cfg.seperable', None),
        ('model.backbone.frozen_stage', 'model.backbone.frozen_stages'),
        ('model.roi_head.extended_bbox_heads', 'model.roi_head.extended_bbox_head'),
        ('model.test_cfg.rcnn.score_th', 'model.test_cfg.rcnn.score_thr'),
        ('optim_wrapper.optimizer.learning_rate', None),
        ('optim_wrapper.optimizer.momentun', 'optim_wrapper.optimizer.momentum'),
        ('train_dataloader.bach_size', 'train_dataloader.batch_size'),
        ('train_dataloader.dataset.anno_file', 'train_dataloader.dataset.ann_file'),
        ('train_cfg.max_iter', 'train_cfg.max_iters'),
        ('default_hooks.checkpoint.intervall', 'default_hooks.checkpoint.interval'),
        ('randomness.sead', 'randomness.seed'),
        ('load_form', 'load_from'),
        ('param_scheduler.7.end', None),
    ],
)
def test_unknown_keys_are_errors(cfg, key, near):
    before = cfg.to_dict()
    with pytest.raises(ValueError, match='--cfg-options') as raised:
        apply_cfg_options(cfg, {key: 1}, 'a.py')
    if near is not None:
        assert f'did you mean {near}?' in str(raised.value)
    assert cfg.to_dict() == before


def test_an_extension_that_the_config_has_not_is_read_by_its_arguments(cfg):
    apply_cfg_options(cfg, {'model.neck.extension_cfg': dict(channels=8)}, 'a.py')
    with pytest.raises(ValueError, match=r'did you mean model\.neck\.extension_cfg\.separable\?'):
        apply_cfg_options(cfg, {'model.neck.extension_cfg.seperable': True}, 'a.py')
