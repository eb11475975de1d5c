"""The files that a training and its tests left in a run's folder."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..checkpoints import DamagedFileError, read_checkpoint, saved_checkpoints, state_dict_of
from ..engine import apply_cfg_options, logged_entries
from ..utils.errors import MissingFileError, UserError
from ..utils.read_config import read_config


@dataclass(frozen=True)
class RunFiles:
    """What there is to tell of a run.

    Attributes:
        folder: The run's work folder.
        config: The config as it ran, resolved; ``None``: not there.
        config_file: Its file.
        entries: Logged lines of training and validation, see :func:`~mmdet_efpn.engine.logged_entries`.
        tests: Figures of each test that ran in the folder, the last one last.
        checkpoint: The last checkpoint that can be read.
        meta: What that says of itself.
        weights: How many numbers its weights are.
        missing: What was looked for and is not there, in sentences.
    """

    folder: Path
    config: Config | None = None
    config_file: Path | None = None
    entries: list[dict] = field(default_factory=list)
    tests: list[dict[str, float]] = field(default_factory=list)
    checkpoint: Path | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    weights: int = 0
    missing: list[str] = field(default_factory=list)

    @property
    def training(self) -> list[dict]:
        """The logged lines of training."""
        return [entry for entry in self.entries if 'lr' in entry or 'loss' in entry]

    @property
    def validation(self) -> list[dict]:
        """The logged lines of validation."""
        return [entry for entry in self.entries if 'lr' not in entry and 'loss' not in entry]

    @property
    def by_epoch(self) -> bool:
        """Whether validations are counted in epochs."""
        return any('epoch' in entry for entry in self.training)


def read_run(folder: str | Path, cfg_options: Sequence[str] | Mapping = ()) -> RunFiles:
    """Reads a run's folder.

    Args:
        folder: The work folder of a training.
        cfg_options: Changes to the config, such as the place of the data; see
            :func:`~mmdet_efpn.engine.apply_cfg_options`.

    Raises:
        MissingFileError: There is no such folder.
        UserError: It is no run's folder, or an option does not fit the config.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f'run not found: {folder} is no folder (looked from {Path.cwd()})')
    missing: list[str] = []
    config_file = _config_file(folder)
    entries = _at_iterations(logged_entries(folder))
    checkpoints = saved_checkpoints(folder)
    if config_file is None and not entries and not checkpoints:
        raise UserError(f'{folder} is no run: it has no config, log or checkpoint' + _runs_below(folder))
    config = None
    if config_file is None:
        missing.append('the config as it ran (*.py, TIME/vis_data/config.py)')
    else:
        config = read_config(config_file)
        apply_cfg_options(config, cfg_options, str(config_file))
    if not entries:
        missing.append('a log (TIME/vis_data/scalars.json)')
    path, loaded = _last_readable(checkpoints, missing)
    meta = loaded.get('meta')
    return RunFiles(
        folder,
        config,
        config_file,
        entries,
        _test_figures(folder),
        path,
        dict(meta) if isinstance(meta, Mapping) else {},
        sum(value.numel() for value in state_dict_of(loaded).values()) if path else 0,
        missing,
    )


def _at_iterations(entries: list[dict]) -> list[dict]:
    """Gives validations of a run that counts iterations the last logged one of these.

    MMEngine's logger counts them in epochs, of which such a run has none, unless its
    ``log_metric_by_epoch`` is False.
    """
    if any('epoch' in entry for entry in entries):
        return entries
    found, last = [], 0
    for entry in entries:
        step = entry.get('step', 0)
        if 'lr' in entry or 'loss' in entry:
            last = step
        elif 'step' in entry and step == 0:
            entry = dict(entry, step=last)
        found.append(entry)
    return found


def _config_file(folder: Path) -> Path | None:
    """The config that the last start of a training dumped; else that of a test, or one in the folder.

    A test in the run's folder dumps its own, over the training's there. Where the one in the folder is
    the same, it has the better name.
    """
    dumped = sorted(folder.glob('*/vis_data/config.py'))
    own = sorted(folder.glob('*.py'), key=lambda path: path.stat().st_mtime)
    if not dumped:
        return own[-1] if own else None
    trained = [path for path in dumped if _has_training(path.with_name('scalars.json'))]
    last = (trained or dumped)[-1]
    text = last.read_text(encoding='utf-8')
    return next((path for path in own if path.read_text(encoding='utf-8') == text), last)


def _has_training(log: Path) -> bool:
    return log.is_file() and '"lr"' in log.read_text(encoding='utf-8')


def _runs_below(folder: Path) -> str:
    below = sorted({path.parents[2] for path in folder.glob('**/*/vis_data/scalars.json')})
    names = ', '.join(str(path) for path in below[:5])
    return (
        f'; name one of the runs below it: {names}' if names else '; name the --work-dir of a training'
    )


def _last_readable(checkpoints: list[Path], missing: list[str]) -> tuple[Path | None, dict]:
    for path in checkpoints:
        try:
            return path, read_checkpoint(path)
        except DamagedFileError as error:
            missing.append(f'a whole checkpoint: {error}')
    if not checkpoints:
        missing.append('a checkpoint (iter_*.pth, epoch_*.pth)')
    return None, {}


def _test_figures(folder: Path) -> list[dict[str, float]]:
    """What MMEngine wrote of each test: ``TIME/TIME.json``."""
    found = []
    for path in sorted(folder.glob('*/*.json')):
        if path.stem != path.parent.name:
            continue
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
        except ValueError:
            continue
        if isinstance(content, dict):
            found.append({k: float(v) for k, v in content.items() if isinstance(v, (int, float))})
    return found
