"""The page and the table that the sweep of all configs makes."""

import csv
import io
import re
from collections import Counter

from .config_trial import FAILED, NOT_HERE, NOT_LOADED, REFUSED, TRAINED

COLUMNS = ('config', 'kind', 'status', 'strides', 'reason', 'run_as')
STATUSES = (TRAINED, NOT_HERE, REFUSED, NOT_LOADED, FAILED)


def csv_text(rows: list[dict]) -> str:
    """A row a config."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator='\n')
    writer.writeheader()
    for row in rows:
        cells = {column: row.get(column, '') for column in COLUMNS}
        writer.writerow(cells | dict(reason=_below_packages(cells['reason'])))
    return out.getvalue()


def _below_packages(reason: str) -> str:
    """A reason whose paths begin at the package, not at where a machine keeps its packages."""
    return re.sub(r'[^\s\'"]*/site-packages/', '', reason)


def page(rows: list[dict], minutes: float, workers: int) -> str:
    """The text of ``docs/results/detectors.md``."""
    counts = Counter(row['status'] for row in rows)
    numbers = '\n'.join(f'| {MEANINGS[status]} | {counts[status]} |' for status in STATUSES)
    return f"""# Which detectors can be extended

Every config that MMDetection ships, through `extend_config` with its default options and a
training step. Made by:

<!-- not run: takes an hour -->
```bash
python -m benchmarks.detectors_sweep --all
```

| of {len(rows)} config files | |
| --- | --- |
{numbers}

*Extended and trained* means: the config was extended and written, and the written file read back.
The detector was built with random weights. On two pictures of noise with objects of 8 px and more
its loss was finite, and one step of Adam changed every weight of the extension. It predicted finite
boxes, and its weights were saved and loaded. That says that it trains, not how well. Pictures have
64 to 320 px, the first size that the detector takes. Configs with the same model and optimiser were
run once. {workers} processes of one thread took {minutes:.0f} minutes on a CPU.
[A row for each config](detectors.csv).

## By family

{_families(rows)}

## Why not

{_reasons(rows)}
"""


MEANINGS = {
    TRAINED: 'extended and trained a step',
    NOT_HERE: 'extended; the plain detector does not run here either, so nothing is proven',
    REFUSED: 'refused, with a reason',
    NOT_LOADED: 'does not load here',
    FAILED: 'failed',
}


def _families(rows: list[dict]) -> str:
    families: dict[str, Counter] = {}
    for row in rows:
        families.setdefault(row['config'].partition('/')[0], Counter())[row['status']] += 1
    lines = ['| family | configs | trained | not run here | refused | does not load | failed |']
    lines.append('| --- ' * 7 + '|')
    for family, counts in families.items():
        cells = [family, sum(counts.values()), *(counts[status] or '' for status in STATUSES)]
        lines.append('| ' + ' | '.join(map(str, cells)) + ' |')
    return '\n'.join(lines)


def _reasons(rows: list[dict]) -> str:
    """Each reason once, numbers left out, with its count and one config."""
    kinds: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        if row['status'] != TRAINED:
            kind = re.sub(r"/\S+|[\d.]+|'[^']*'", '…', row['reason'])
            kinds.setdefault((row['status'], kind), []).append(row)
    lines = ['| configs | what | reason, in one of them | for example |', '| --- | --- | --- | --- |']
    for (status, _), group in sorted(kinds.items(), key=lambda item: -len(item[1])):
        reason = _below_packages(group[0]['reason']).replace('|', '\\|')
        reason = reason.replace('<', '&lt;').replace('\n', ' ')
        lines.append(f'| {len(group)} | {status} | {reason} | {group[0]["config"]} |')
    return '\n'.join(lines)
