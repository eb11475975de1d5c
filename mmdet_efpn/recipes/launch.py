"""How the trainings of a recipe are started: one process, several on this machine, or Slurm."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ..checkpoints import DamagedFileError, last_checkpoint, saved_checkpoints
from ..utils.errors import MissingFileError, UserError
from .stages import Stage

PACKAGE = Path(__file__).resolve().parents[1]
SET_BY_THE_RECIPE = ('--resume', '--launcher')


@dataclass(frozen=True)
class Launch:
    """The processes of each training, and the further arguments of ``mmdet-efpn train``.

    Attributes:
        processes: Processes of each training on this machine; ``None``: one, without a launcher.
        slurm: Partition and job name of a Slurm cluster.
        passed_on: Arguments for the training of every stage, such as ``--amp``.

    Raises:
        UserError: Both kinds of processes, fewer than one, or an argument that the recipe sets itself.
    """

    processes: int | None = None
    slurm: tuple[str, str] | None = None
    passed_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.processes is not None and self.slurm is not None:
            raise UserError('--processes and --slurm contradict each other: leave one out')
        if self.processes is not None and self.processes < 1:
            raise UserError(f'--processes must be a whole number from 1, got {self.processes}')
        for word in self.passed_on:
            option = word.split('=')[0]
            if option in SET_BY_THE_RECIPE:
                raise UserError(
                    f'{option} is set by the recipe itself; an interrupted one goes on by itself'
                )

    def command(self, stage: Stage) -> list[str]:
        """The command that trains a stage, or goes on with it where it has a checkpoint."""
        # By name: a process on a machine that does not see the folder must fail, not start anew.
        config = str(stage.config_file)
        options = [*self.passed_on, *self._start(stage)]
        if self.slurm is not None:
            return ['bash', str(slurm_script()), *self.slurm, config, *options]
        train = ['-m', 'mmdet_efpn.cli', 'train', config]
        if self.processes is None:
            return [sys.executable, *train, *options]
        # A free port of this machine, taken while it is found: two runs never meet on one.
        meeting_point = ['--standalone', '--local-addr', '127.0.0.1']
        launcher = [
            '-m',
            'torch.distributed.run',
            *meeting_point,
            '--nproc-per-node',
            str(self.processes),
        ]
        return [sys.executable, *launcher, *train, '--launcher', 'pytorch', *options]

    @staticmethod
    def _start(stage: Stage) -> list[str]:
        """Where the training of a stage starts, as ``mmdet-efpn train`` is told."""
        folder = stage.folder.resolve()
        try:
            found = last_checkpoint(folder)
        except DamagedFileError:
            # All are cut off: nothing whole is lost if the stage starts anew over them.
            names = ', '.join(path.name for path in saved_checkpoints(folder))
            print(f'{stage.title}: starts anew, for its checkpoints are damaged: {names}', flush=True)
            return ['--overwrite']
        if found.damaged:
            print(f'{stage.title}: {found.skipped}', flush=True)
        return ['--resume', found.path] if found.path else []

    def environment(self) -> dict[str, str]:
        """The training's environment variables: this process's, and what it needs beside them."""
        environment = dict(os.environ)
        if (PACKAGE.parent / 'pyproject.toml').is_file():  # a checkout, which need not be installed
            paths = [str(PACKAGE.parent), environment.get('PYTHONPATH')]
            environment['PYTHONPATH'] = os.pathsep.join(filter(None, paths))
        if self.processes is not None and not environment.get('OMP_NUM_THREADS'):
            environment['OMP_NUM_THREADS'] = str(max(1, (os.cpu_count() or 1) // self.processes))
        return environment


def slurm_script() -> Path:
    """The script that trains through ``srun``: of the checkout, or of the installed package.

    Raises:
        MissingFileError: The package was installed without its tools.
    """
    places = [folder / 'slurm_train.sh' for folder in (PACKAGE.parent / 'tools', PACKAGE / '.mim/tools')]
    for script in places:
        if script.is_file():
            return script
    raise MissingFileError(
        f'--slurm needs slurm_train.sh, which is neither {places[0]} nor {places[1]}; '
        'start the recipe from a checkout'
    )
