"""Two ranks, one with RoIs on P2' alone and one with none there, train without unused parameters."""

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from mmdet.registry import MODELS
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from mmdet_efpn.models import PyramidExtension

WORLD_SIZE = 2


class TwoHeads(nn.Module):
    """The RoI head's outputs for squares of one side; P2' is a map, or made on RoIs alone."""

    def __init__(self, on_rois: bool):
        super().__init__()
        self.extension = (
            PyramidExtension(3, 4, dict(type='LightFTT', hidden_channels=4, kernel_size=3), on_rois=True)
            if on_rois
            else None
        )
        self.roi_head = MODELS.build(
            dict(
                type='ExtendedRoIHead',
                bbox_roi_extractor=dict(
                    type='SingleRoIExtractor',
                    finest_scale=28,
                    out_channels=4,
                    featmap_strides=[2, 4, 8, 16, 32],
                    roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
                ),
                bbox_head=dict(
                    type='Shared2FCBBoxHead',
                    in_channels=4,
                    fc_out_channels=8,
                    roi_feat_size=7,
                    num_classes=2,
                ),
            )
        )

    def forward(self, side: float) -> torch.Tensor:
        maps = [torch.ones(1, 4, 256 // s, 256 // s) for s in (2, 4, 8, 16, 32, 64)]
        if self.extension is not None:
            torch.manual_seed(1)
            maps[0] = self.extension(
                torch.randn(1, 3, 128, 128), *(torch.randn_like(level) for level in maps[1:3])
            )[0]
        rois = torch.tensor([[0, 20.0, 20.0, 20.0 + side, 20.0 + side]])
        results = self.roi_head._bbox_forward(maps, rois)
        return results['cls_score'].square().sum() + results['bbox_pred'].square().sum()


def train(rank: int, folder: str, on_rois: bool) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(f'{folder}/store', WORLD_SIZE)
    dist.init_process_group('gloo', store=store, rank=rank, world_size=WORLD_SIZE)
    torch.manual_seed(0)
    model = DistributedDataParallel(TwoHeads(on_rois))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):  # DDP complains of unused parameters in the step after
        optimizer.zero_grad()
        model(20.0 if rank == 0 else 100.0).backward()
        optimizer.step()
    torch.save(model.module.state_dict(), f'{folder}/{rank}.pth')
    # The reducer must not be the last to hold the group: gloo's thread may want the interpreter's lock
    # to drop a finished all-reduce while the group's destructor, which has that lock, waits for it.
    del model, optimizer
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.parametrize('on_rois', [False, True])
def test_both_ranks_keep_equal_weights_that_both_trained(tmp_path, on_rois):
    mp.start_processes(train, (str(tmp_path), on_rois), nprocs=WORLD_SIZE, start_method='spawn')
    first, second = (torch.load(tmp_path / f'{rank}.pth') for rank in range(WORLD_SIZE))
    torch.manual_seed(0)
    before = TwoHeads(on_rois).state_dict()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    for head in ('bbox_head', 'extended_bbox_head'):
        name = f'roi_head.{head}.fc_cls.bias'
        assert not torch.equal(first[name], before[name]), head
