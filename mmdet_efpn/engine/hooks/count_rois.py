"""The share of RoIs that are pooled from P2', logged while a detector trains."""

from collections.abc import Callable
from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

ROI_SHARE = 'p2_prime_roi_share'
P2_PRIME_STRIDE = 2


class CountRoIs(Hook):
    """Logs how many of the RoIs that a head trains on are of level P2', as ``p2_prime_roi_share``.

    It listens to the RoI extractors whose finest level has stride 2. In an iteration one may be asked
    for parts of the RoIs again (masks, levels on demand); the largest set is what counts. The mean over
    extractors is logged, of this process's images. Nothing is logged where no extractor has such a
    level.
    """

    def __init__(self) -> None:
        self.seen: dict[int, Tensor] = {}
        self.listening: list[nn.Module] = []

    def before_train(self, runner: Runner) -> None:
        """Begins to listen."""
        for number, module in enumerate(runner.model.modules()):
            strides = getattr(module, 'featmap_strides', None)
            if hasattr(module, 'map_roi_levels') and strides and strides[0] == P2_PRIME_STRIDE:
                module.map_roi_levels = partial(self._noted, module.map_roi_levels, number)
                self.listening.append(module)

    def _noted(self, map_roi_levels: Callable, number: int, rois: Tensor, num_levels: int) -> Tensor:
        levels = map_roi_levels(rois, num_levels)
        if torch.is_grad_enabled() and len(levels) > len(self.seen.get(number, ())):
            self.seen[number] = levels
        return levels

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Logs the iteration's share."""
        shares = [(levels == 0).float().mean() for levels in self.seen.values()]
        self.seen.clear()
        if shares:
            share = torch.stack(shares).mean().item()
            runner.message_hub.update_scalar(f'train/{ROI_SHARE}', share)

    def after_train(self, runner: Runner) -> None:
        """Ends it."""
        for module in self.listening:
            del module.map_roi_levels  # the class's own is back
        self.listening.clear()
