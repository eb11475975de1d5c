"""Hooks that the training tests put into child processes; a config imports this module by name."""

import os
import signal
from pathlib import Path

import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.registry import HOOKS


@HOOKS.register_module()
class KillBefore(Hook):
    """Kills the process, as a power cut would, before iteration ``iteration`` (from 0)."""

    def __init__(self, iteration: int):
        self.iteration = iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class SaveEachRank(Hook):
    """Saves every process's own parameters as ``rank_N_start.pth`` and ``rank_N.pth``."""

    def before_train(self, runner):
        self._save(runner, '_start')

    def after_train(self, runner):
        self._save(runner)

    @staticmethod
    def _save(runner, moment: str = ''):
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        torch.save(
            dict(model.named_parameters()), Path(runner.work_dir) / f'rank_{get_rank()}{moment}.pth'
        )


@HOOKS.register_module()
class KillBeforeEvaluation(Hook):
    """Kills the process before an evaluation, the first time only: ``marker`` remembers it."""

    def __init__(self, marker: str):
        self.marker = Path(marker)

    def before_val(self, runner):
        if not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module()
class KillOnce(Hook):
    """Kills process 0 before iteration ``iteration``, the first time only: ``marker`` remembers it."""

    def __init__(self, iteration: int, marker: str):
        self.iteration, self.marker = iteration, Path(marker)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration and get_rank() == 0 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
