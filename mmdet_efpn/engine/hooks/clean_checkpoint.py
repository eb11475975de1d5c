"""What a runner takes from a checkpoint: weights under plain names, and no config to run."""

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ...checkpoints import state_dict_of, without_wrappers


class CleanCheckpoint(Hook):
    """Prepares a checkpoint that a runner has read, before its weights are loaded.

    What data parallel and compiled modules put into names is taken off; a bare state dict gets its key.
    The config that is stored in the file goes: MMEngine runs it when it resumes, to find the number of
    GPUs of MMDetection 2, and a checkpoint may come from anyone.
    """

    priority = 'VERY_HIGH'  # before EMAHook, which reads the weights

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Changes the checkpoint in place."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        weights, taken = without_wrappers(state_dict_of(checkpoint), model.state_dict())
        if 'state_dict' not in checkpoint:
            checkpoint.clear()
        if taken or 'state_dict' not in checkpoint:
            checkpoint['state_dict'] = weights  # else it stays, with its versions of modules
        if isinstance(checkpoint.get('meta'), dict):
            checkpoint['meta'].pop('config', None)
