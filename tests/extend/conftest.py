"""Families of detectors for the plug-in's tests, from MMDetection's own configs."""

import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_efpn.utils.read_config import read_config

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


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


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
