"""Learning rates by layer, behind a backbone's wrapper."""

import pytest
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from torch import nn

from mmdet_efpn.extend import extend_with_report
from mmdet_efpn.utils.errors import UserError

WIDTHS = (8, 16, 32, 64)


class ToyConvNeXt(nn.Module):
    """ConvNeXt's names of layers, by which its constructor counts them."""

    def __init__(self):
        super().__init__()
        ins = (3, *WIDTHS[:-1])
        self.downsample_layers = nn.ModuleList(
            nn.Conv2d(a, b, 4 if a == 3 else 2, 4 if a == 3 else 2)
            for a, b in zip(ins, WIDTHS, strict=True)
        )
        self.stages = nn.ModuleList(nn.Sequential(nn.Conv2d(c, c, 3, padding=1)) for c in WIDTHS)

    def forward(self, x):
        outputs = []
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
            outputs.append(x)
        return tuple(outputs)


@pytest.fixture
def cfg(shipped):
    """Faster R-CNN on it, with learning rates that fall by 0.7 from layer to layer."""
    MODELS.register_module(module=ToyConvNeXt, force=True)
    cfg = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', light=True)
    cfg.model.backbone = dict(type='ToyConvNeXt')
    cfg.model.neck.in_channels = list(WIDTHS)
    cfg.optim_wrapper = dict(
        type='OptimWrapper',
        constructor='LearningRateDecayOptimizerConstructor',
        paramwise_cfg=dict(decay_rate=0.7, decay_type='layer_wise', num_layers=6),
        optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0.05),
    )
    yield cfg
    MODELS._module_dict.pop('ToyConvNeXt')


def rates(model_cfg, wrapper):
    model = MODELS.build(ConfigDict(model_cfg))
    optimizer = build_optim_wrapper(model, wrapper).optimizer
    groups = {id(w): group['lr'] for group in optimizer.param_groups for w in group['params']}
    return {
        name: groups[id(weight)]
        for name, weight in model.state_dict(keep_vars=True).items()
        if id(weight) in groups
    }


def test_layers_keep_their_rates_and_new_weights_get_the_heads(cfg):
    extended, report = extend_with_report(cfg)
    assert any('PlainNamesConstructor' in line for line in report.changes)
    before, after = rates(cfg.model, cfg.optim_wrapper), rates(extended.model, extended.optim_wrapper)
    assert {name: after[name] for name in before} == before
    assert before['backbone.downsample_layers.0.weight'] == pytest.approx(1e-4 * 0.7**7)
    new = set(after) - set(before)
    assert any('stride_two_stem' in name for name in new)
    assert {after[name] for name in new} == {1e-4}


def test_without_it_the_constructor_finds_no_backbone(cfg):
    extended, _ = extend_with_report(cfg, check=False)
    with pytest.raises(NotImplementedError):
        rates(extended.model, cfg.optim_wrapper)


def test_the_constructor_has_to_be_named(cfg):
    extended, _ = extend_with_report(cfg, check=False)
    wrapper = ConfigDict(extended.optim_wrapper)
    del wrapper.paramwise_cfg['constructor']
    with pytest.raises(UserError, match=r'paramwise_cfg\.constructor must name'):
        rates(extended.model, wrapper)
