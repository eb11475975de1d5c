"""Runs a recipe: trains its stages in order, and goes on where a run was stopped.

The stages of a recipe with ``independent=True`` are trainings to compare: none goes on from another's.
The same command, started several times, shares them out: each run trains what no other is at.
"""

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from ..checkpoints import last_checkpoint, require_checkpoint
from ..utils.atomic_file import write_text_atomically
from ..utils.errors import UserError
from .launch import Launch
from .lock import FolderInUseError, take_lock
from .stages import Stage, claim, load_stages
from .table import last_metrics


def run_recipe(
    recipe: str | Path,
    work_dir: str | None = None,
    load_from: str | None = None,
    options: Sequence[str] | Mapping = (),
    launch: Launch = Launch(),  # noqa: B008 (frozen)
) -> list[Stage]:
    """Trains those stages of a recipe that are not finished; prints which it is at.

    Args:
        recipe: The recipe's path.
        work_dir: Folder of all stages. Default: ``work_dirs/RECIPE_NAME``.
        load_from: Weights that the first stage, or each independent one, starts from.
        options: Changes to the config of every stage, as ``--cfg-options`` takes them: ``KEY=VALUE``
            words, or a dict of dotted keys.
        launch: How the trainings are started. Default: one process each.

    Returns:
        The stages; :func:`table` tells what they reached.

    Raises:
        UserError: A file is missing, an option or a folder doesn't fit, or a training failed.
    """
    if load_from:
        require_checkpoint(load_from, '--load-from')
    stages = load_stages(recipe, work_dir, options)
    run = run_independent if stages[0].independent else run_chain
    run(stages, load_from, launch)
    return stages


def run_chain(stages: list[Stage], load_from: str | None, launch: Launch) -> None:
    """Trains, in one work folder, each stage from the checkpoint of the one before.

    Raises:
        UserError: A training failed, or the folder does not fit or is in use.
    """
    lock = take_lock(stages[0].folder.parent)
    checkpoint = load_from
    for stage in stages:
        checkpoint = finish_stage(stage, checkpoint, launch, lock)


def run_independent(stages: list[Stage], load_from: str | None, launch: Launch) -> None:
    """Trains those stages that no other run is at; one that fails does not keep the others back.

    Raises:
        UserError: Trainings failed, or folders do not fit; said when the others are done.
    """
    failures = []
    for stage in stages:
        try:
            with take_lock(stage.folder) as lock:
                finish_stage(stage, load_from, launch, lock)
        except FolderInUseError:
            state = 'is left to the run that is at it' if stage.result() is None else 'is done'
            print(f'{stage.title} {state}', flush=True)
        except UserError as error:
            failures.append(str(error))
    if failures:
        raise UserError('\n'.join(failures))


def finish_stage(stage: Stage, start_from: str | None, launch: Launch, lock: TextIO) -> str:
    """Trains a stage, unless that was done before, and gives its checkpoint.

    Raises:
        UserError: The training failed, its folder does not fit or its checkpoint is gone.
    """
    claim(stage, start_from)
    if stage.result() is None:
        print(
            f'{stage.title} starts from {start_from or "its own first weights"}, in {stage.folder}',
            flush=True,
        )
        run_stage(stage, launch, lock)
    else:
        print(f'{stage.title} is done', flush=True)
    checkpoint = stage.result()['checkpoint']
    require_checkpoint(checkpoint, f'result of stage {stage.number} ({stage.result_file})')
    return checkpoint


def run_stage(stage: Stage, launch: Launch, lock: TextIO) -> None:
    """Trains a stage to its end and writes its result file.

    Raises:
        UserError: The training failed; says what is whole and how to go on.
    """
    start = time.monotonic()
    command, environment = launch.command(stage), launch.environment()
    done = subprocess.run(command, check=False, pass_fds=[lock.fileno()], env=environment)
    checkpoint = None if done.returncode else last_checkpoint(stage.folder.resolve()).path
    if checkpoint is None:
        logs = sorted(stage.folder.glob('*/*.log'))
        raise UserError(
            f'stage {stage.number} ({stage.name}) failed with exit status {done.returncode}'
            + (f'; its log: {logs[-1]}' if logs else '')
            + '. The results of earlier stages are whole. '
            'Mend the cause and run the same command again: it goes on in this stage, from its last '
            'checkpoint if there is one'
        )
    seconds = round(time.monotonic() - start)
    result = dict(checkpoint=checkpoint, metrics=last_metrics(stage.folder), seconds=seconds)
    write_text_atomically(stage.result_file, json.dumps(result, indent=1))
