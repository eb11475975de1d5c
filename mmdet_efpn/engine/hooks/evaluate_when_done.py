"""A run that was stopped in its last evaluation is evaluated when it is resumed."""

from mmengine.hooks import Hook
from mmengine.runner import Runner


class EvaluateWhenDone(Hook):
    """Evaluates a resumed run that has nothing left to train.

    The last checkpoint is saved before the last evaluation. Resumed from it, MMEngine's loops end at
    once, and the figures of the trained weights would never be known.
    """

    priority = 'LOW'

    def before_train(self, runner: Runner) -> None:
        """Notes whether anything is left to train."""
        self.nothing_left = runner.iter >= runner.max_iters

    def after_train(self, runner: Runner) -> None:
        """Evaluates if nothing was left."""
        if self.nothing_left and runner.val_loop is not None:
            runner.logger.info('Nothing is left to train: evaluating what was resumed.')
            runner.val_loop.run()
