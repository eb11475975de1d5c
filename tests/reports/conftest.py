"""A tiny run, and predictions of its test set."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mmdet_efpn.checkpoints import write_predictions

VALIDATED = (
    'train_cfg.max_iters=4',
    'train_cfg.val_interval=2',
    'default_hooks.logger.interval=1',
)


@pytest.fixture(scope='session')
def tiny_run(tiny_config, child_environment, tmp_path_factory) -> Path:
    """Work folder of four iterations with two validations, and a test."""
    folder = tmp_path_factory.mktemp('reported')
    config = folder / 'validated.py'
    config.write_text(
        f"_base_ = '{tiny_config}'\n"
        'val_dataloader = _base_.test_dataloader\n'
        'val_evaluator = _base_.test_evaluator\n'
        "val_cfg = dict(type='ValLoop')\n"
        'model = dict(test_cfg=dict(rcnn=dict(score_thr=0.0)))\n'
    )
    run = folder / 'run'
    # In processes of their own: MMEngine keeps one visualizer, and so one log, for all runs in one.
    for words in (
        ['train', config, '--work-dir', run, '--cfg-options', *VALIDATED],
        ['test', run / 'validated.py', run / 'iter_4.pth', '--work-dir', run],
    ):
        ended = subprocess.run(
            [sys.executable, '-m', 'mmdet_efpn', *map(str, words)],
            cwd=folder,
            env=child_environment,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
    return run


@pytest.fixture(scope='session')
def found(tiny_coco, tmp_path_factory) -> Path:
    """Predictions of the test set: boxes moved by some pixels, wrong classes, and one of nothing."""
    truth = json.loads((tiny_coco / 'annotations.json').read_text())
    rng, predictions = np.random.default_rng(1), []
    for image in truth['images']:
        objects = [entry for entry in truth['annotations'] if entry['image_id'] == image['id']]
        boxes = [(x, y, x + w, y + h) for x, y, w, h in (entry['bbox'] for entry in objects)]
        moved = np.array([*boxes, *boxes, (1, 2, 9, 12)]) + rng.normal(0, 1.0, (5, 4))
        kinds = [entry['category_id'] - 1 for entry in objects]
        labels = [*kinds, kinds[0], 1 - kinds[1], int(rng.integers(2))]
        instances = dict(bboxes=moved, scores=rng.random(5), labels=np.array(labels))
        instances = {key: torch.as_tensor(value) for key, value in instances.items()}
        path = str(tiny_coco / 'images' / image['file_name'])
        predictions.append(dict(img_id=image['id'], img_path=path, pred_instances=instances))
    file = tmp_path_factory.mktemp('found') / 'found.json'
    write_predictions(predictions, file)
    return file
