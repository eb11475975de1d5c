"""A small EFPN detector and batches for it."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData


@pytest.fixture
def detector_cfg(repository) -> dict:
    """Config of a Faster R-CNN R-18 with EFPN, 8 to 64 channels wide, norms training."""
    init_default_scope('mmdet')
    cfg = Config.fromfile(repository / 'configs/deeppcb/faster-rcnn_r18_efpn_1500-iters_deeppcb-320.py')
    cfg.merge_from_dict(
        {
            f'model.{key}': value
            for key, value in {
                'backbone.base_channels': 8,
                'backbone.stem_channels': 8,
                'neck.in_channels': [8, 8, 16, 32, 64],
                'neck.out_channels': 16,
                'neck.ftt.hidden_channels': 16,
                'rpn_head.in_channels': 16,
                'rpn_head.feat_channels': 16,
                'roi_head.bbox_roi_extractor.out_channels': 16,
                'roi_head.bbox_head.in_channels': 16,
                'roi_head.bbox_head.fc_out_channels': 32,
            }.items()
        }
    )
    return cfg.model


@pytest.fixture
def build():
    """Function that builds a module from its config and initialises it from one seed."""

    def build(cfg: dict, **changes):
        torch.manual_seed(0)
        module = MODELS.build(dict(cfg, **changes))
        module.init_weights()
        return module

    return build


@pytest.fixture
def batch():
    """Function that makes a batch of two images, the second smaller and without boxes."""

    def make(size=(96, 128), second=None):
        g = torch.Generator().manual_seed(1)
        inputs, samples = [], []
        for shape, boxes in ((size, [[4, 6, 14, 18], [30, 20, 90, 60.0]]), (second or size, [])):
            inputs.append(torch.randint(0, 256, (3, *shape), dtype=torch.uint8, generator=g))
            sample = DetDataSample(
                metainfo=dict(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))
            )
            sample.gt_instances = InstanceData(
                bboxes=torch.tensor(boxes).reshape(-1, 4),
                labels=torch.zeros(len(boxes), dtype=torch.long),
            )
            samples.append(sample)
        return dict(inputs=inputs, data_samples=samples)

    return make
