"""Channels-last maps in training."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn


class UseChannelsLast(Hook):
    """Hands images to the backbone with their channels last, and keeps the weights of convs so.

    Convs, norms and activations then give channels-last maps by themselves. With several processes the
    weights keep their layout, for data parallel has noted it already; convs convert them as they run.
    """

    def before_train(self, runner: Runner) -> None:
        """Converts the model, its names and values unchanged."""
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        else:
            model.to(memory_format=torch.channels_last)
        for name, module in model.named_modules():
            if name.rpartition('.')[2] == 'backbone':
                module.register_forward_pre_hook(_with_channels_last)


def _with_channels_last(module: nn.Module, inputs: tuple) -> tuple:
    return tuple(
        value.contiguous(memory_format=torch.channels_last)
        if isinstance(value, Tensor) and value.dim() == 4
        else value
        for value in inputs
    )
