"""The pairs for public data sets, and the own-data template: alike but for P2', counting alike."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdet_efpn.engine import load_run_config
from mmdet_efpn.evaluation.detection_numbers import numbers_of_detections
from mmdet_efpn.extend import extend_with_report
from mmdet_efpn.inspection.report import tables

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
TEMPLATE = CONFIGS / 'own_data/faster-rcnn_r50_efpn-light_1x_own-coco.py'
# What the page docs/reference/data_sets.md says: name, classes, smallest anchor, detections, metric.
SETS = {
    'visdrone': ('visdrone-1333', 10, 16, 500, 'visdrone'),
    'ai-tod': ('ai-tod-800', 8, 8, 1500, 'aitod'),
    'soda-d': ('soda-d-1200', 9, 8, 100, 'soda'),
    'tinyperson': ('tinyperson-640', 2, 8, 200, 'tinyperson'),
    'hit-uav': ('hit-uav-640', 4, 8, 1500, 'aitod'),
    'tt100k': ('tt100k-1400', 45, 16, 100, 'tt100k'),
}


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


def pair(folder):
    name = SETS[folder][0]
    files = [CONFIGS / folder / f'faster-rcnn_r50_{neck}_1x_{name}.py' for neck in ('fpn', 'efpn-light')]
    return [Config.fromfile(file) for file in files]


def learning_rate(cfg, images):
    """The rate with which a run on one GPU begins, so many images in a batch."""
    module = torch.nn.Linear(1, 1)
    optimiser = build_optim_wrapper(module, cfg.optim_wrapper)
    runner = SimpleNamespace(
        logger=MMLogger.get_current_instance(),
        world_size=1,
        param_schedulers=[],
        train_dataloader=dict(batch_size=images),
        _train_dataloader=dict(batch_size=images),
    )
    Runner.scale_lr(runner, optimiser, cfg.auto_scale_lr)
    return optimiser.param_groups[0]['lr']


@pytest.mark.parametrize('folder', SETS)
def test_the_two_are_alike_but_for_p2_prime(folder):
    plain, light = pair(folder)
    for key in set(plain) - {'model'}:
        assert plain[key] == light[key], key
    expected, _ = extend_with_report(plain, extended_bbox_head=False, check=False)
    for part in ('backbone', 'rpn_head', 'roi_head', 'train_cfg', 'test_cfg'):
        assert light.model[part] == expected.model[part], part
    assert light.model.neck == expected.model.neck


@pytest.mark.parametrize('folder', SETS)
def test_they_are_what_the_page_says(folder):
    _, count, anchor, detections, preset = SETS[folder]
    for cfg in pair(folder):
        data = cfg.train_dataloader.dataset
        classes = (
            data.metainfo.classes if 'metainfo' in data else DATASETS.get(data.type).METAINFO['classes']
        )
        assert len(classes) == cfg.model.roi_head.bbox_head.num_classes == count
        generator = cfg.model.rpn_head.anchor_generator
        assert generator.scales[0] * generator.strides[0] == anchor
        assert cfg.model.test_cfg.rcnn.max_per_img == detections
        assert cfg.val_evaluator == cfg.test_evaluator
        assert cfg.val_evaluator.preset == preset
        assert cfg.val_evaluator.ann_file == data.data_root + cfg.val_dataloader.dataset.ann_file
        assert numbers_of_detections(cfg).warning() is None


@pytest.mark.parametrize('folder', [*SETS, 'own_data'])
def test_ignored_regions_do_not_train_and_the_rate_follows_the_batch(folder):
    cfg = Config.fromfile(TEMPLATE) if folder == 'own_data' else pair(folder)[1]
    for stage in ('rpn', 'rcnn'):
        assert cfg.model.train_cfg[stage].assigner.ignore_iof_thr == 0.5
    assert learning_rate(cfg, 16) == pytest.approx(0.02)
    assert learning_rate(cfg, 2) == pytest.approx(0.0025)


def test_the_templates_values_reach_every_place(tmp_path):
    text = TEMPLATE.read_text().replace("'../coco/", f"'{CONFIGS}/coco/")
    for old, new in {
        "('thing',)": "('a', 'b')",
        '(1333, 800)': '(640, 512)',
        'smallest_anchor = 16': 'smallest_anchor = 6',
        'detections_per_picture = 100': 'detections_per_picture = 500',
        'images_per_gpu = 2': 'images_per_gpu = 4',
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / 'mine.py').write_text(text)
    cfg = load_run_config(tmp_path / 'mine.py')
    assert cfg.model.roi_head.bbox_head.num_classes == 2
    assert cfg.model.rpn_head.anchor_generator.scales == [1.5]
    assert cfg.model.test_cfg.rpn.max_per_img == cfg.model.test_cfg.rpn.nms_pre == 1500
    assert cfg.model.test_cfg.rcnn.max_per_img == cfg.val_evaluator.max_dets == 500
    assert numbers_of_detections(cfg).warning() is None
    assert cfg.train_dataloader.batch_size == 4
    for loader, place in ((cfg.train_dataloader, 2), (cfg.val_dataloader, 1), (cfg.test_dataloader, 1)):
        assert loader.dataset.pipeline[place].scale == (640, 512)
        assert list(loader.dataset.metainfo.classes) == ['a', 'b']


def test_the_inspections_lines_are_names_of_the_template():
    names = {'classes', 'scale', 'smallest_anchor', 'detections_per_picture'}
    lines = TEMPLATE.read_text().splitlines()
    assert {line.partition(' = ')[0] for line in lines} >= names
    source = Path(tables.__file__).read_text()
    for name in names - {'classes'}:
        assert name in source, name
