"""What a run logged: the lines of its ``vis_data/scalars.json`` files."""

import json
from pathlib import Path


def logged_entries(work_dir: str | Path) -> list[dict]:
    """All logged lines of a run, those of a resumed one's later logs last.

    A line that a killed run left unfinished is passed over.

    Args:
        work_dir (str | Path): The run's work folder.

    Returns:
        list[dict]: Losses and learning rates of training, figures of evaluations; each with ``step``.
    """
    entries = []
    for log in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            try:
                entries.append(json.loads(line))
            except json.JSONDecodeError:
                continue
    return entries
