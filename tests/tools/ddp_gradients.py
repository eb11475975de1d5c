"""Run under torchrun: saves the gradients that two processes with an image each agree on."""

import sys

import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel

from mmdet_efpn.engine import start_processes

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
MODEL = dict(
    backbone=dict(type='ExtendedResNet', depth=18, base_channels=8, stem_channels=8),
    neck=dict(
        type='EFPN',
        in_channels=[8, 8, 16, 32, 64],
        out_channels=16,
        num_outs=6,
        ftt=dict(type='FTT', hidden_channels=16),
    ),
)


def build() -> torch.nn.Module:
    """The same weights in every process; the loss is a plain mean over the batch."""
    from mmdet_efpn.evaluation.cost import BackboneNeckSteps

    torch.manual_seed(0)
    return BackboneNeckSteps(MODEL).train()


def loss(levels: tuple) -> torch.Tensor:
    return sum(level.square().mean() for level in levels)


if __name__ == '__main__':
    cfg = Config()
    start_processes(cfg, 'pytorch')
    rank = torch.distributed.get_rank()
    wrapper = dict(cfg.model_wrapper_cfg)
    assert wrapper.pop('type') == 'MMDistributedDataParallel'
    model = MMDistributedDataParallel(build(), **wrapper)
    loss(model(IMAGES[rank : rank + 1])).backward()
    gradients = {name: p.grad for name, p in model.module.named_parameters()}
    torch.save(gradients, f'{sys.argv[1]}/gradients_{rank}.pth')
    del model  # before the group: see tests/models/roi_heads/test_levels_across_ranks.py
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
