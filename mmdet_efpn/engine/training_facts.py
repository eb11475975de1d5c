"""What a checkpoint's training tells of it: its command, and the figures of its evaluation."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from ..checkpoints import read_checkpoint
from ..utils.errors import MissingFileError, UserError
from .hooks.note_command import KEY
from .run_log import logged_entries


class TrainingFacts(NamedTuple):
    """How a detector came to be.

    Attributes:
        command: The command line, if the checkpoint has it.
        metrics: Figures by name, such as ``coco/bbox_mAP``.
    """

    command: str | None
    metrics: dict[str, float]


def training_facts(checkpoint: str | Path, metrics: str | Path | None = None) -> TrainingFacts:
    """Looks for them in the checkpoint and in the logs beside it.

    Args:
        checkpoint: ``epoch_12.pth`` or ``iter_9000.pth`` in a training's folder, or any other one.
        metrics: A JSON file of figures, as ``test`` writes it. Default: those of the validation that was
            logged at the checkpoint's epoch or iteration.

    Raises:
        UserError: The file of figures is not there, or holds none.
    """
    loaded = read_checkpoint(checkpoint)
    meta = loaded.get('meta') if isinstance(loaded.get('meta'), dict) else {}
    command = meta.get(KEY)
    figures = _logged(Path(checkpoint)) if metrics is None else _read(Path(metrics))
    return TrainingFacts(command if isinstance(command, str) else None, figures)


def _logged(checkpoint: Path) -> dict[str, float]:
    number = re.search(r'(?:epoch|iter)_(\d+)\.pth$', checkpoint.name)
    if number is None:
        return {}
    at = [entry for entry in logged_entries(checkpoint.parent) if entry.get('step') == int(number[1])]
    figures = [found for entry in at if (found := _figures(entry))]
    return figures[-1] if figures else {}


def _read(file: Path) -> dict[str, float]:
    if not file.is_file():
        raise MissingFileError(f'file of figures not found: {file}')
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
    except ValueError as error:
        raise UserError(f'{file} is no JSON file: {error}') from error
    figures = _figures(content) if isinstance(content, dict) else {}
    if not figures:
        raise UserError(f'{file} has no figures such as coco/bbox_mAP')
    return figures


def _figures(entry: dict) -> dict[str, float]:
    """Figures of metrics: their names have a slash, those of losses have none."""
    return {
        key: float(value)
        for key, value in entry.items()
        if '/' in key and isinstance(value, (int, float)) and value != -1  # of no object
    }
