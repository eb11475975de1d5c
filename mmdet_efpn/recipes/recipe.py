"""Training in several stages, each a config of its own that goes on from the last one's checkpoint.

The stages of a recipe with ``independent=True`` are trainings to compare: none goes on from another's.
The same command, started several times, shares them out: each run trains what no other is at.
"""

import argparse
import fcntl
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from mmengine.config import Config, DictAction

from ..engine.run_log import logged_entries
from ..engine.run_options import RunOptionError, last_checkpoint, require_checkpoint
from ..utils.atomic_file import write_text_atomically

METRICS = {'AP': 'coco/bbox_mAP', 'AP50': 'coco/bbox_mAP_50', 'AP small': 'coco/bbox_mAP_s'}


@dataclass
class Stage:
    """One stage of a recipe.

    Attributes:
        number: From 1.
        total: Number of stages of the recipe.
        name: What the stage is called in messages and folders.
        cfg: Its training config, all options applied, without ``load_from``.
        folder: Its work folder.
        independent: Whether it starts from its own weights; else from those of the stage before.
    """

    number: int
    total: int
    name: str
    cfg: Config
    folder: Path
    independent: bool

    @property
    def title(self) -> str:
        return f'Stage {self.number} of {self.total}: {self.name}'

    @property
    def config_file(self) -> Path:
        """Beside the work folder, in which the runner writes a config of this name itself."""
        return self.folder.with_name(self.folder.name + '.py')

    @property
    def result_file(self) -> Path:
        return self.folder / 'stage_result.json'

    def result(self) -> dict | None:
        """What a finished stage left: ``checkpoint``, ``metrics`` and ``seconds``; else ``None``."""
        return json.loads(self.result_file.read_text()) if self.result_file.is_file() else None


def parse_args(argv: list[str] | None = None) -> tuple[argparse.Namespace, list[str]]:
    """Reads the command line; what it does not know goes on to every stage's ``train.py``."""
    parser = argparse.ArgumentParser(
        prog='train_recipe.py',
        description='Run the stages of a training recipe in order; go on where a run was stopped. Of a '
        'recipe of independent trainings, several runs at a time share the stages out. '
        'Other arguments (--amp, --auto-scale-lr, ...) go to the training of every stage.',
    )
    parser.add_argument('recipe', help='path of a recipe, for example configs/recipes/...')
    parser.add_argument(
        '--work-dir', metavar='DIR', help='folder of all stages (default: work_dirs/RECIPE_NAME)'
    )
    parser.add_argument(
        '--load-from',
        metavar='CHECKPOINT',
        help='weights that the first stage, or each independent one, starts from',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        default={},
        metavar='KEY=VALUE',
        help='changes to the config of every stage',
    )
    processes = parser.add_mutually_exclusive_group()
    processes.add_argument(
        '--processes',
        type=int,
        metavar='N',
        help='processes (GPUs) of every stage on this machine, as dist_train.sh',
    )
    processes.add_argument(
        '--slurm',
        nargs=2,
        metavar=('PARTITION', 'JOB_NAME'),
        help='run every stage through srun, as slurm_train.sh',
    )
    args, passed_on = parser.parse_known_args(argv)
    taken = [option for option in passed_on if option.split('=')[0] in ('--resume', '--launcher')]
    if taken:
        parser.error(f'{taken[0]} is set by the recipe itself; an interrupted one goes on by itself')
    return args, passed_on


def load_stages(recipe_file: str, work_dir: str | None, options: dict) -> list[Stage]:
    """Reads a recipe: ``recipe = dict(stages=[dict(name=..., config=..., cfg_options=...), ...])``.

    With ``independent=True`` in the recipe no stage goes on from the one before, and the folders have
    no numbers: a stage can be put in between later.

    Args:
        recipe_file: Its path; the stages' ``config`` paths are relative to it.
        work_dir: Folder of all stages; ``None``: ``work_dirs/`` and the recipe's name.
        options: Changes to every stage's config, after the stage's own ``cfg_options``.

    Raises:
        RunOptionError: A file or key is missing, or an option doesn't fit.
    """
    path = Path(recipe_file)
    if not path.is_file():
        raise RunOptionError(f'recipe not found: {path} (looked from {Path.cwd()})')
    recipe = Config.fromfile(path).get('recipe') or {}
    entries = recipe.get('stages')
    if not entries:
        raise RunOptionError(
            f'{path} is no recipe: it needs recipe = dict(stages=[dict(name=..., config=...), ...])'
        )
    root = Path(work_dir) if work_dir else Path('work_dirs') / path.stem
    independent = recipe.get('independent', False)
    stages = []
    for number, entry in enumerate(entries, 1):
        missing = {'name', 'config'} - set(entry)
        unknown = set(entry) - {'name', 'config', 'cfg_options'}
        if missing or unknown:
            raise RunOptionError(
                f'{path}: stage {number} has keys {sorted(entry)}; it needs name and '
                'config, and may have cfg_options'
            )
        config = path.parent / entry['config']
        if not config.is_file():
            raise RunOptionError(f'{path}: config of stage {number} not found: {config}')
        cfg = Config.fromfile(config)
        for changes in (entry.get('cfg_options', {}), options):
            try:
                cfg.merge_from_dict(dict(changes))
            except (KeyError, TypeError, IndexError) as error:
                raise RunOptionError(f'options do not fit stage {number}, {config}: {error}') from error
        if cfg.get('load_from') or cfg.get('resume'):
            raise RunOptionError(
                f'{config}, with the options of stage {number}: a stage takes its weights from the one '
                'before, or from --load-from; leave load_from and resume out'
            )
        if cfg.get('work_dir') is not None:
            raise RunOptionError(
                f'{config}, with the options of stage {number}, has work_dir={cfg.work_dir!r}: the '
                'recipe gives each stage its folder; leave it out and use --work-dir'
            )
        folder = root / (
            ('' if independent else f'{number}_') + re.sub(r'[^A-Za-z0-9.]+', '-', entry['name'])
        )
        if any(folder == stage.folder for stage in stages):
            raise RunOptionError(f'{path}: two stages would work in {folder}; give them other names')
        cfg.work_dir = str(folder.resolve())  # as `load_from` in :func:`claim`
        stages.append(Stage(number, len(entries), entry['name'], cfg, folder, independent))
    return stages


def claim(stage: Stage, start_from: str | None) -> None:
    """Writes the stage's config, or checks that the folder was begun with the same.

    Raises:
        RunOptionError: The folder holds a run of another config or other first weights.
    """
    # Absolute, so that the same file under another spelling is the same run.
    is_local = start_from is not None and '://' not in start_from
    stage.cfg.load_from = str(Path(start_from).resolve()) if is_local else start_from
    text = stage.cfg.pretty_text
    if stage.config_file.is_file():
        if stage.config_file.read_text() != text:
            raise RunOptionError(
                f'{stage.folder} was begun with another config than stage {stage.number} has now '
                f'({stage.config_file}): choose another --work-dir, undo the change, or delete that '
                'file and the folder' + ('' if stage.independent else ', and those of the later stages')
            )
        return
    stage.folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(stage.config_file, text)


def command(stage: Stage, args: argparse.Namespace, tools: Path, passed_on: list[str]) -> list[str]:
    """The command that trains a stage, or goes on with it where it has a checkpoint."""
    # By name: a process on a machine that does not see the folder must fail, not start anew.
    checkpoint = last_checkpoint(str(stage.folder))
    options = [*passed_on, *(['--resume', checkpoint] if checkpoint else [])]
    config = str(stage.config_file)
    if args.processes is not None:
        return ['bash', str(tools / 'dist_train.sh'), config, str(args.processes), *options]
    if args.slurm:
        return ['bash', str(tools / 'slurm_train.sh'), *args.slurm, config, *options]
    return [sys.executable, str(tools / 'train.py'), config, *options]


def last_metrics(folder: Path) -> dict:
    """The figures of a run's last evaluation."""
    evaluated = [
        entry for entry in logged_entries(folder) if any(key in entry for key in METRICS.values())
    ]
    last = evaluated[-1] if evaluated else {}  # not by step: MMEngine may count it in epochs, from 0
    return {name: last[key] for name, key in METRICS.items() if key in last}


class FolderInUseError(RunOptionError):
    """Another run of a recipe, or a training that one left behind, works in a folder."""


def take_lock(folder: Path) -> TextIO:
    """Keeps a second run out of a folder while this one, or a training it left, works there.

    What the recipe starts inherits the lock, so that a training which outlives its recipe still holds
    it; of one of several processes (``--processes``), its launcher does.

    Raises:
        FolderInUseError: The folder is in use.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = open(folder / 'recipe.lock', 'w')  # noqa: SIM115 (open as long as the process)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise FolderInUseError(
            f'{folder} is in use by another run of a recipe, or by a training that one left behind; '
            'wait for it, end it, or choose another --work-dir'
        ) from None
    return lock


def run_stage(
    stage: Stage, args: argparse.Namespace, tools: Path, passed_on: list[str], lock: TextIO
) -> None:
    """Trains a stage to its end and writes its result file.

    Raises:
        RunOptionError: The training failed; says what is whole and how to go on.
    """
    start = time.monotonic()
    done = subprocess.run(command(stage, args, tools, passed_on), check=False, pass_fds=[lock.fileno()])
    checkpoint = last_checkpoint(str(stage.folder))
    if done.returncode or checkpoint is None:
        logs = sorted(stage.folder.glob('*/*.log'))
        raise RunOptionError(
            f'stage {stage.number} ({stage.name}) failed with exit status {done.returncode}'
            + (f'; its log: {logs[-1]}' if logs else '')
            + '. The results of earlier stages are whole. '
            'Mend the cause and run the same command again: it goes on in this stage, from its last '
            'checkpoint if there is one'
        )
    write_text_atomically(
        stage.result_file,
        json.dumps(
            dict(
                checkpoint=checkpoint,
                metrics=last_metrics(stage.folder),
                seconds=round(time.monotonic() - start),
            ),
            indent=1,
        ),
    )


def run_chain(stages: list[Stage], args: argparse.Namespace, tools: Path, passed_on: list[str]) -> None:
    """Trains, in one work folder, each stage from the checkpoint of the one before.

    Raises:
        RunOptionError: A training failed, or the folder does not fit or is in use.
    """
    lock = take_lock(stages[0].folder.parent)
    checkpoint = args.load_from
    for stage in stages:
        checkpoint = finish_stage(stage, checkpoint, args, tools, passed_on, lock)


def run_independent(
    stages: list[Stage], args: argparse.Namespace, tools: Path, passed_on: list[str]
) -> None:
    """Trains those stages that no other run is at; one that fails does not keep the others back.

    Raises:
        RunOptionError: Trainings failed, or folders do not fit; said when the others are done.
    """
    failures = []
    for stage in stages:
        try:
            with take_lock(stage.folder) as lock:
                finish_stage(stage, args.load_from, args, tools, passed_on, lock)
        except FolderInUseError:
            print(
                f'{stage.title} '
                + ('is left to the run that is at it' if stage.result() is None else 'is done'),
                flush=True,
            )
        except RunOptionError as error:
            failures.append(str(error))
    if failures:
        raise RunOptionError('\n'.join(failures))


def finish_stage(
    stage: Stage,
    start_from: str | None,
    args: argparse.Namespace,
    tools: Path,
    passed_on: list[str],
    lock: TextIO,
) -> str:
    """Trains a stage, unless that was done before, and gives its checkpoint.

    Raises:
        RunOptionError: The training failed, its folder does not fit or its checkpoint is gone.
    """
    claim(stage, start_from)
    if stage.result() is None:
        print(
            f'{stage.title} starts from {start_from or "its own first weights"}, in {stage.folder}',
            flush=True,
        )
        run_stage(stage, args, tools, passed_on, lock)
    else:
        print(f'{stage.title} is done', flush=True)
    checkpoint = stage.result()['checkpoint']
    require_checkpoint(checkpoint, f'result of stage {stage.number} ({stage.result_file})')
    return checkpoint


def table(stages: list[Stage]) -> str:
    """AP of each finished stage, as Markdown."""
    rows = [
        '| stage | ' + ' | '.join(METRICS) + ' | checkpoint |',
        '| --- |' + ' --- |' * (len(METRICS) + 1),
    ]
    for stage in stages:
        result = stage.result()
        if result is not None:
            figures = [
                f'{result["metrics"][m]:.3f}' if m in result['metrics'] else 'not evaluated'
                for m in METRICS
            ]
            rows.append(
                f'| {stage.number} {stage.name} | {" | ".join(figures)} | {result["checkpoint"]} |'
            )
    return '\n'.join(rows)


def main(tools: Path, argv: list[str] | None = None) -> None:
    """Runs a recipe as the command line says.

    A wrong option, a missing file or a failed stage ends it with one line on stderr; exit status 2.

    Args:
        tools: Folder of ``train.py`` and the launch scripts.
        argv: The arguments; default: the process's own.
    """
    args, passed_on = parse_args(argv)
    try:
        if args.load_from:
            require_checkpoint(args.load_from, '--load-from')
        stages = load_stages(args.recipe, args.work_dir, args.cfg_options)
        run = run_independent if stages[0].independent else run_chain
        run(stages, args, tools, passed_on)
    except RunOptionError as error:
        print(f'train_recipe.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    print(table(stages), flush=True)
    for stage in stages:
        if stage.result() is None:
            print(f'not finished: {stage.name}', flush=True)
