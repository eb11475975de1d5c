"""The tiny detector with changes to its config, with and without masks."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

MASKS = {
    'model.type': 'MaskRCNN',
    'model.roi_head.mask_roi_extractor': dict(
        type='SingleRoIExtractor',
        finest_scale=28,
        out_channels=16,
        featmap_strides=[2, 4, 8, 16, 32],
        roi_layer=dict(type='RoIAlign', output_size=14, sampling_ratio=0),
    ),
    'model.roi_head.mask_head': dict(
        type='FCNMaskHead',
        num_convs=1,
        in_channels=16,
        conv_out_channels=8,
        num_classes=2,
        loss_mask=dict(type='CrossEntropyLoss', use_mask=True, loss_weight=1.0),
    ),
    'model.test_cfg.rcnn.mask_thr_binary': 0.5,
}


@pytest.fixture
def build_detector(tiny_config):
    """Builds and initialises the tiny detector with changes, in evaluation mode."""

    def build(changes=None, masks=False):
        cfg = Config.fromfile(tiny_config)
        cfg.merge_from_dict({**(MASKS if masks else {}), **(changes or {})})
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
        return model.eval()

    return build
