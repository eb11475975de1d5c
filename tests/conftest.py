"""Shared fixtures: a tiny data set and a tiny detector that trains in seconds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from PIL import Image

from mmdet_efpn.cli.main import main
from mmdet_efpn.utils.read_config import read_config

REPOSITORY = Path(__file__).resolve().parents[1]

# What make quick runs, below tests/: one real detector, and the units that are fast.
QUICK = (
    'engine/test_cfg_options.py',
    'extend/test_one_detector.py',
    'models/dense_heads',
    'models/ftt',
    'models/layers/test_attention_layers.py',
    'models/layers/test_window_properties.py',
    'models/losses',
    'models/necks/on_demand/test_tile_properties.py',
    'models/necks/on_demand/test_tiles.py',
    'models/necks/test_efpn.py',
    'models/roi_heads/test_level_properties.py',
    'models/utils',
    'project/test_imports.py',
    'utils',
    'visualization',
)


def pytest_collection_modifyitems(items):
    """Marks the quick tests, and skips those for GPUs where there is none."""
    no_gpu = pytest.mark.skip(reason='needs a CUDA GPU')
    for item in items:
        if item.get_closest_marker('gpu') and not torch.cuda.is_available():
            item.add_marker(no_gpu)
        path = item.path.relative_to(REPOSITORY / 'tests').as_posix()
        if path.startswith(QUICK) and not item.get_closest_marker('slow'):
            item.add_marker(pytest.mark.quick)


# R-18 with EFPN, 8 to 64 channels wide. Samplers take every anchor and proposal and nothing is
# augmented: after the weights' initialisation nothing in training is random.
TINY_CONFIG = """
_base_ = ['{base_model}', 'mmdet::_base_/default_runtime.py']
sampler = dict(num=100000, pos_fraction=0.5)
model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(depth=18, base_channels=8, stem_channels=8, frozen_stages=-1,
                  norm_eval=False, init_cfg=None),
    neck=dict(in_channels=[8, 8, 16, 32, 64], out_channels=16, ftt=dict(hidden_channels=16)),
    rpn_head=dict(in_channels=16, feat_channels=16, anchor_generator=dict(scales=[2])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=16),
        bbox_head=dict(in_channels=16, fc_out_channels=32, num_classes=2)),
    train_cfg=dict(rpn=dict(sampler=sampler), rpn_proposal=dict(max_per_img=100),
                   rcnn=dict(sampler=sampler)),
    test_cfg=dict(rpn=dict(max_per_img=100)))
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape',
                                          'scale_factor'))]
data = dict(
    type='CocoDataset', data_root='{data_root}', ann_file='annotations.json',
    data_prefix=dict(img='images/'), metainfo=dict(classes=('square', 'bar')), pipeline=pipeline)
train_dataloader = dict(
    batch_size=2, num_workers=0, dataset=data,
    sampler=dict(type='InfiniteSampler', shuffle=True))
test_dataloader = dict(
    batch_size=1, num_workers=0, dataset=dict(test_mode=True, **data),
    sampler=dict(type='DefaultSampler', shuffle=False))
test_evaluator = dict(type='CocoMetric', ann_file='{data_root}/annotations.json', metric='bbox')
test_cfg = dict(type='TestLoop')
train_cfg = dict(type='IterBasedTrainLoop', max_iters=6, val_interval=100)
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
param_scheduler = [dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=5)]
default_hooks = dict(
    logger=dict(interval=1),
    checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2, max_keep_ckpts=2))
auto_scale_lr = dict(enable=False, base_batch_size=4)
randomness = dict(seed=0)
log_processor = dict(by_epoch=False, window_size=1)
"""


# Widths that the narrow detectors divide by four; 1024 is a box head's hidden width.
WIDTHS = {256: 64, 1024: 64, 2048: 64}
WIDTH_KEYS = (
    'in_channels',
    'out_channels',
    'feat_channels',
    'conv_out_channels',
    'fc_channels',
    'point_feat_channels',
    'fc_out_channels',
    'embed_dims',
    'feedforward_channels',
    'proposal_feature_channel',
    'input_feat_shape',
)


def narrowed(cfg):
    """Heads and necks of a quarter of their width."""
    if isinstance(cfg, dict):
        return {
            key: WIDTHS.get(value, value)
            if key in WIDTH_KEYS and isinstance(value, int)
            else 32
            if key == 'num_feats'
            else narrowed(value)
            for key, value in cfg.items()
        }
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(narrowed(value) for value in cfg)
    return cfg


@pytest.fixture(scope='session')
def repository() -> Path:
    """Folder of the checkout."""
    return REPOSITORY


@pytest.fixture(scope='session')
def tiny_coco(tmp_path_factory) -> Path:
    """Folder of a COCO data set: six 64x64 pictures, each with a bright square and a dark bar."""
    root = tmp_path_factory.mktemp('tiny_coco')
    (root / 'images').mkdir()
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for number in range(6):
        picture = rng.integers(90, 150, (64, 64, 3), dtype=np.uint8)
        for category, (width, height), value in ((1, (10, 10), 255), (2, (16, 5), 0)):
            x, y = (int(rng.integers(0, 64 - side)) for side in (width, height))
            picture[y : y + height, x : x + width] = value
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=number,
                    category_id=category,
                    bbox=[x, y, width, height],
                    area=width * height,
                    iscrowd=0,
                )
            )
        Image.fromarray(picture).save(root / 'images' / f'{number}.png')
        images.append(dict(id=number, file_name=f'{number}.png', width=64, height=64))
    (root / 'annotations.json').write_text(
        json.dumps(
            dict(
                images=images,
                annotations=annotations,
                categories=[dict(id=1, name='square'), dict(id=2, name='bar')],
            )
        )
    )
    return root


@pytest.fixture(scope='session')
def tiny_config(tmp_path_factory, tiny_coco) -> Path:
    """Config file of a tiny Faster R-CNN with EFPN on the tiny data set, 6 iterations long."""
    base_model = REPOSITORY / 'configs' / '_base_' / 'models' / 'faster-rcnn_r50_efpn.py'
    path = tmp_path_factory.mktemp('tiny_config') / 'tiny_efpn.py'
    path.write_text(TINY_CONFIG.format(base_model=base_model, data_root=tiny_coco))
    return path


@pytest.fixture(scope='session')
def child_environment() -> dict:
    """Environment in which subprocesses find this checkout and use this Python, on the CPU."""
    paths = [str(REPOSITORY), *filter(None, [os.environ.get('PYTHONPATH')])]
    return dict(
        os.environ,
        PYTHONPATH=os.pathsep.join(paths),
        PYTHON=sys.executable,
        CUDA_VISIBLE_DEVICES='-1',
        OMP_NUM_THREADS='1',
    )


@pytest.fixture(scope='session')
def built_wheel(tmp_path_factory) -> Path:
    """The wheel of this checkout, built from a copy of what a release holds."""
    clone, out = tmp_path_factory.mktemp('clone') / 'source', tmp_path_factory.mktemp('dist')
    ignored = shutil.ignore_patterns('.*', 'work_dirs', 'data', 'build', 'dist', 'site', '*__pycache__*')
    shutil.copytree(REPOSITORY, clone, ignore=ignored)
    build = [
        sys.executable,
        '-m',
        'build',
        '--wheel',
        '--no-isolation',
        '--outdir',
        str(out),
        str(clone),
    ]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (wheel,) = out.glob('*.whl')
    return wheel


@pytest.fixture(scope='session')
def installed_package(built_wheel, tmp_path_factory) -> Path:
    """Folder with the package as ``pip install`` puts it, out of the checkout's reach."""
    site = tmp_path_factory.mktemp('site')
    pip = [
        sys.executable,
        '-m',
        'pip',
        'install',
        '-q',
        '--no-deps',
        '--no-index',
        '--target',
        str(site),
    ]
    subprocess.run([*pip, str(built_wheel)], check=True)
    return site


@pytest.fixture(scope='session')
def run_tool(repository, child_environment):
    """Function that runs ``tools/NAME ARGUMENTS...`` in folder ``cwd``; NAME ends in .py or .sh."""

    def run(name, *arguments, cwd, check=True, **environment):
        interpreter = sys.executable if name.endswith('.py') else 'bash'
        done = subprocess.run(
            [interpreter, str(repository / 'tools' / name), *map(str, arguments)],
            cwd=cwd,
            env=dict(child_environment, **environment),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    return run


@pytest.fixture(scope='session')
def hooked_config(tmp_path_factory, tiny_config):
    """Function that writes the tiny config plus one hook of ``run_hooks.py``; gives its path."""

    def write(hook: str):
        path = tmp_path_factory.mktemp('hooked') / 'tiny_hooked.py'
        path.write_text(
            f"_base_ = '{tiny_config}'\n"
            "custom_imports = dict(imports=['mmdet_efpn', 'run_hooks'],\n"
            '                      allow_failed_imports=False)\n'
            f'custom_hooks = [{hook}]\n'
        )
        return path

    return write


@pytest.fixture(scope='session')
def uninterrupted_run(run_tool, tiny_config, tmp_path_factory):
    """Work folder of a whole tiny training run."""
    folder = tmp_path_factory.mktemp('uninterrupted')
    run_tool(
        'train.py',
        tiny_config,
        '--work-dir',
        'run',
        '--cfg-options',
        'optim_wrapper.optimizer.momentum=0.8',
        cwd=folder,
    )
    return folder / 'run'


@pytest.fixture(scope='session')
def trained(tiny_config, tmp_path_factory):
    """Weights of the tiny detector, as if trained."""
    path = tmp_path_factory.mktemp('trained') / 'weights.pth'
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(tiny_config).model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)


@pytest.fixture(scope='session')
def shipped():
    """Function that reads one of MMDetection's configs, on request light: R-18 and narrow heads."""

    def read(name: str, light: bool = False) -> Config:
        cfg = read_config(f'mmdet::{name}.py')
        if not light:
            return cfg
        backbone = cfg.model.backbone
        model = dict(narrowed(cfg.model.to_dict()), backbone=backbone)
        if backbone.type == 'ResNet':
            backbone.depth = 18
            neck = model['neck'][0] if isinstance(model['neck'], list) else model['neck']
            neck['in_channels'] = [
                width // 4 if width > 64 else 64
                for width in {3: [512, 1024, 2048], 4: [256, 512, 1024, 2048]}[len(neck['in_channels'])]
            ]
        if 'encoder' in model:
            model['bbox_head']['embed_dims'] = 64
        cfg.model = model
        return cfg

    return read


@pytest.fixture
def unchecked(monkeypatch):
    """For tests of what is written: extended configs are given out without being built and run."""
    monkeypatch.setattr('mmdet_efpn.extend.config.prove', lambda *args: None)
    monkeypatch.setattr('mmdet_efpn.extend.config.note_price', lambda *args: None)


@pytest.fixture
def command(capsys):
    """Function that runs ``mmdet-efpn WORDS...`` in this process; gives exit code, output and errors."""

    def run(*words) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as stopped:  # argparse's end
            code = stopped.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run
