"""``--tensorboard`` and ``--wandb``."""

import importlib

import pytest
from mmengine.config import Config

from mmdet_efpn.engine import ROI_SHARE, watch_training
from mmdet_efpn.utils.errors import MissingPackageError


@pytest.fixture
def installed(monkeypatch):
    """As if the backends' packages were installed."""
    monkeypatch.setattr('mmdet_efpn.engine.watching.import_optional', lambda *words: None)


def test_backends_are_mmengines_and_the_configs_own_stay(installed):
    own = dict(type='LocalVisBackend', save_dir='here')
    cfg = Config(dict(work_dir='runs', visualizer=dict(type='DetLocalVisualizer', vis_backends=[own])))
    said = watch_training(cfg, tensorboard=True, wandb=True)
    assert cfg.visualizer.vis_backends[0] == own
    assert [backend.type for backend in cfg.visualizer.vis_backends[1:]] == [
        'TensorboardVisBackend',
        'WandbVisBackend',
    ]
    assert 'tensorboard --logdir runs' in said
    watch_training(cfg, tensorboard=True)
    assert len(cfg.visualizer.vis_backends) == 3  # none twice
    assert [hook.type for hook in cfg.custom_hooks] == ['ValidationPictures']


def test_figures_of_iteration_based_runs_come_at_their_iteration(installed):
    cfg = Config(dict(train_cfg=dict(type='IterBasedTrainLoop', max_iters=5)))
    watch_training(cfg, tensorboard=True, num_pictures=0)
    assert cfg.default_hooks.logger == dict(type='LoggerHook', log_metric_by_epoch=False)
    assert 'custom_hooks' not in cfg
    cfg = Config(dict(train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=5)))
    watch_training(cfg, tensorboard=True)
    assert 'default_hooks' not in cfg


@pytest.mark.parametrize('package', ['tensorboard', 'wandb'])
def test_the_extra_is_named(monkeypatch, package):
    real = importlib.import_module

    def absent(name, *rest):
        if name == package:
            raise ImportError(f'No module named {name!r}')
        return real(name, *rest)

    monkeypatch.setattr(importlib, 'import_module', absent)
    with pytest.raises(MissingPackageError, match=rf'--{package} needs .*mmdet-efpn\[watch\]'):
        watch_training(Config(), **{package: True})


def test_a_training_writes_event_files(command, tiny_config, tmp_path):
    events = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    config = tmp_path / 'validated.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        'val_dataloader = _base_.test_dataloader\n'
        'val_evaluator = _base_.test_evaluator\n'
        "val_cfg = dict(type='ValLoop')\n"
    )
    words = ('train', config, '--tensorboard', '--work-dir', tmp_path / 'run', '--cfg-options')
    # MMEngine keeps one visualizer of a name in a process
    options = ('train_cfg.max_iters=2', 'train_cfg.val_interval=1', 'visualizer.name=watched')
    assert command(*words, *options)[0] == 0
    (file,) = tmp_path.glob('run/*/vis_data/events.out.tfevents.*')
    read = events.EventAccumulator(str(file))
    read.Reload()
    scalars = set(read.Tags()['scalars'])
    assert {'loss', 'loss_cls', ROI_SHARE, 'coco/bbox_mAP', 'coco/bbox_mAP_s'} <= scalars
    assert [event.step for event in read.Scalars('coco/bbox_mAP')] == [1, 2]
    pictures = read.Tags()['images']
    assert sorted(pictures) == [f'val_{number}' for number in range(6)]
    assert [event.step for event in read.Images('val_0')] == [1, 2]
