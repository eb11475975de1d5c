"""The stages of a recipe: reading them from its file, and claiming their folders."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

from ..engine import apply_cfg_options
from ..utils.atomic_file import write_text_atomically
from ..utils.errors import MissingFileError, UserError


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
        """Number and name, as messages have it."""
        return f'Stage {self.number} of {self.total}: {self.name}'

    @property
    def config_file(self) -> Path:
        """Beside the work folder, in which the runner writes a config of this name itself."""
        return self.folder.with_name(self.folder.name + '.py')

    @property
    def result_file(self) -> Path:
        """The file that :meth:`result` reads."""
        return self.folder / 'stage_result.json'

    def result(self) -> dict | None:
        """What a finished stage left: ``checkpoint``, ``metrics`` and ``seconds``; else ``None``."""
        return json.loads(self.result_file.read_text()) if self.result_file.is_file() else None


def load_stages(
    recipe_file: str | Path, work_dir: str | None = None, options: Sequence[str] | Mapping = ()
) -> list[Stage]:
    """Reads a recipe: ``recipe = dict(stages=[dict(name=..., config=..., cfg_options=...), ...])``.

    With ``independent=True`` in the recipe no stage goes on from the one before, and the folders have
    no numbers: a stage can be put in between later.

    Args:
        recipe_file: Its path; the stages' ``config`` paths are relative to it.
        work_dir: Folder of all stages; ``None``: ``work_dirs/`` and the recipe's name.
        options: Changes to every stage's config, after the stage's own ``cfg_options``; ``KEY=VALUE``
            words or a dict of dotted keys.

    Raises:
        UserError: A file or key is missing, or an option doesn't fit.
    """
    path = Path(recipe_file)
    if not path.is_file():
        raise MissingFileError(f'recipe not found: {path} (looked from {Path.cwd()})')
    recipe = Config.fromfile(path).get('recipe') or {}
    entries = recipe.get('stages')
    if not entries:
        raise UserError(
            f'{path} is no recipe: it needs recipe = dict(stages=[dict(name=..., config=...), ...])'
        )
    root = Path(work_dir) if work_dir else Path('work_dirs') / path.stem
    independent = recipe.get('independent', False)
    stages = []
    for number, entry in enumerate(entries, 1):
        cfg = _stage_config(path, number, entry, options)
        folder_name = re.sub(r'[^A-Za-z0-9.]+', '-', entry['name'])
        folder = root / (folder_name if independent else f'{number}_{folder_name}')
        if any(folder == stage.folder for stage in stages):
            raise UserError(f'{path}: two stages would work in {folder}; give them other names')
        cfg.work_dir = str(folder.resolve())  # as `load_from` in :func:`claim`
        stages.append(Stage(number, len(entries), entry['name'], cfg, folder, independent))
    return stages


def _stage_config(recipe: Path, number: int, entry: dict, options: Sequence[str] | Mapping) -> Config:
    """A stage's config with its own options and those of the command line."""
    missing = {'name', 'config'} - set(entry)
    unknown = set(entry) - {'name', 'config', 'cfg_options'}
    if missing or unknown:
        raise UserError(
            f'{recipe}: stage {number} has keys {sorted(entry)}; it needs name and '
            'config, and may have cfg_options'
        )
    config = recipe.parent / entry['config']
    if not config.is_file():
        raise MissingFileError(f'{recipe}: config of stage {number} not found: {config}')
    cfg = Config.fromfile(config)
    for changes in (entry.get('cfg_options', {}), options):
        apply_cfg_options(cfg, changes, f'stage {number}, {config}')
    where = f'{config}, with the options of stage {number}'
    if cfg.get('load_from') or cfg.get('resume'):
        raise UserError(
            f'{where}: a stage takes its weights from the one before, or from --load-from; leave '
            'load_from and resume out'
        )
    if cfg.get('work_dir') is not None:
        raise UserError(
            f'{where}, has work_dir={cfg.work_dir!r}: the recipe gives each stage its folder; leave it '
            'out and use --work-dir'
        )
    return cfg


def claim(stage: Stage, start_from: str | None) -> None:
    """Writes the stage's config, or checks that the folder was begun with the same.

    Raises:
        UserError: The folder holds a run of another config or other first weights.
    """
    # Absolute, so that the same file under another spelling is the same run.
    is_local = start_from is not None and '://' not in start_from
    stage.cfg.load_from = str(Path(start_from).resolve()) if is_local else start_from
    text = stage.cfg.pretty_text
    if stage.config_file.is_file():
        if stage.config_file.read_text() != text:
            raise UserError(
                f'{stage.folder} was begun with another config than stage {stage.number} has now '
                f'({stage.config_file}): choose another --work-dir, undo the change, or delete that '
                'file and the folder' + ('' if stage.independent else ', and those of the later stages')
            )
        return
    stage.folder.mkdir(parents=True, exist_ok=True)
    write_text_atomically(stage.config_file, text)
