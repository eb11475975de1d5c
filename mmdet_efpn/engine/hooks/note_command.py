"""How a training was started, noted in its checkpoints."""

import shlex
import sys

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...utils.command_line import PROGRAM, is_command_line

KEY = 'command'


class NoteCommand(Hook):
    """Puts the command line of a training into ``meta`` of its checkpoints, where ``pack`` finds it."""

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Changes the checkpoint in place."""
        words = [PROGRAM, *sys.argv[1:]] if is_command_line() else sys.argv
        checkpoint.setdefault('meta', {})[KEY] = shlex.join(words)
