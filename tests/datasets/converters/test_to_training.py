"""From a data set's own files, converted, to a finite loss of the config that is for it."""

from pathlib import Path

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope

from mmdet_efpn.evaluation.presets import PRESETS

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
# converter: the folder of configs, the name in them, and a split that the tiny source has
SETS = {
    'visdrone': ('visdrone', 'visdrone-1333', 'val'),
    'aitod': ('ai-tod', 'ai-tod-800', 'trainval'),
    'soda-d': ('soda-d', 'soda-d-1200', 'train'),
    'tinyperson': ('tinyperson', 'tinyperson-640', 'test'),
    'hit-uav': ('hit-uav', 'hit-uav-640', 'train'),
    'tt100k': ('tt100k', 'tt100k-1400', 'train'),
}


@pytest.mark.parametrize('name', SETS)
def test_a_converted_set_trains(name, made, converted, tmp_path):
    folder, stem, split = SETS[name]
    content, _ = converted(name, made(name))
    init_default_scope('mmdet')
    cfg = Config.fromfile(CONFIGS / folder / f'faster-rcnn_r50_efpn-light_1x_{stem}.py')
    assert cfg.val_evaluator.preset in PRESETS
    data = cfg.train_dataloader.dataset
    data.update(data_root=f'{tmp_path}/out/', ann_file=f'annotations/{split}.json')
    data.pipeline[2].scale = (128, 128)
    dataset = DATASETS.build(data)
    assert len(dataset) > 0
    boxes = [box for box in content[split]['annotations'] if not box.get('ignore')]
    kept = [
        box
        for i in range(len(dataset))
        for box in dataset.get_data_info(i)['instances']
        if not box['ignore_flag']
    ]
    assert len(kept) == len(boxes) > 0
    torch.manual_seed(0)
    cfg.model.backbone.update(depth=18, init_cfg=None, frozen_stages=-1)
    cfg.model.neck.in_channels = [64, 64, 128, 256, 512]
    model = MODELS.build(cfg.model).train()
    batch = model.data_preprocessor(pseudo_collate([dataset[0]]), training=True)
    loss, parts = model.parse_losses(model(**batch, mode='loss'))
    loss.backward()
    assert loss.isfinite()
    assert {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls', 'loss_bbox'} <= set(parts)
    assert model.neck.extension.output_conv.depthwise_conv.conv.weight.grad is not None
