"""Times of several models that take turns, each row given out as soon as it is known."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from mmdet_efpn.evaluation.cost import progress

WARM_UP = dict(cuda=5)  # rounds; a GPU chooses its kernels in the first ones


@dataclass
class Trial:
    """One model of a comparison.

    Args:
        name: Of its rows.
        build: Makes the model on its device and gives its passes by name; each runs once and gives its
            seconds, as those of ``evaluation.cost.PASSES`` do.
    """

    name: str
    build: Callable[[], dict[str, Callable[[], float]]]
    passes: dict[str, Callable[[], float]] = field(default_factory=dict)
    bytes: int = 0
    error: str = ''


def rows_in_turn(trials: list[Trial], device: torch.device, repeats: int) -> Iterator[dict]:
    """Measures all passes of all trials, pass after pass.

    A trial that fails, as for lack of memory, gives a row with ``error``; the others go on.

    Args:
        trials: The first is what ratios are of.
        device: Where they run.
        repeats: Timed rounds, after some that warm up.

    Yields:
        dict: ``name``, ``pass``, ``ms`` (median), ``fastest_ms``, ``ratio``, and on a GPU ``peak_mib``:
        the most memory held, the model's own included.
    """
    for trial in trials:
        progress(f'building {trial.name}')
        before = _held(device)
        _guarded(trial, lambda trial=trial: trial.passes.update(trial.build()))
        trial.bytes = _held(device) - before
        if trial.error:
            yield dict(name=trial.name, error=trial.error)
    names = list(dict.fromkeys(name for trial in trials for name in trial.passes))
    for name in names:
        progress(f'timing {name}')
        yield from _rows_of_pass(name, trials, device, repeats)


def _rows_of_pass(name: str, trials: list[Trial], device: torch.device, repeats: int) -> Iterator[dict]:
    running = [trial for trial in trials if not trial.error]
    peaks: dict[str, int] = {}
    for trial in running:
        for _ in range(WARM_UP.get(device.type, 1)):
            _guarded(trial, trial.passes[name])
        peaks[trial.name] = trial.bytes + _rise(trial, name, device)
    seconds: dict[str, list[float]] = {trial.name: [] for trial in running}
    for _ in range(repeats):
        for trial in running:
            if not trial.error:
                _guarded(trial, lambda trial=trial: seconds[trial.name].append(trial.passes[name]()))
    first = None
    for trial in running:
        if trial.error:
            yield {'name': trial.name, 'pass': name, 'error': trial.error}
            continue
        median = statistics.median(seconds[trial.name])
        first = first or median
        row = {'name': trial.name, 'pass': name, 'ms': 1e3 * median}
        row.update(fastest_ms=1e3 * min(seconds[trial.name]), ratio=median / first)
        if device.type == 'cuda':
            row['peak_mib'] = peaks[trial.name] / 2**20
        yield row


def _guarded(trial: Trial, step: Callable[[], object]) -> None:
    if trial.error:
        return
    try:
        step()
    except Exception as error:
        # Whatever stops one design must not stop the report on the others.
        trial.error = f'{type(error).__name__}: {(str(error).splitlines() or [""])[0]}'
        trial.passes = {}


def _held(device: torch.device) -> int:
    return torch.cuda.memory_allocated(device) if device.type == 'cuda' else 0


def _rise(trial: Trial, name: str, device: torch.device) -> int:
    """Bytes that one pass holds at most beside what was held before it."""
    if device.type != 'cuda' or trial.error:
        return 0
    before = _held(device)
    torch.cuda.reset_peak_memory_stats(device)
    _guarded(trial, trial.passes[name])
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def table(rows: list[dict]) -> str:
    """The rows as Markdown, one line a model, passes side by side."""
    names = list(dict.fromkeys(row['pass'] for row in rows if 'pass' in row))
    head = [cell for name in names for cell in (f'{name} (ms)', f'{name}: peak (MiB)')]
    lines = [f'| | {" | ".join(head)} |', '|' + ' --- |' * (len(head) + 1)]
    first: dict[str, dict] = {}
    for model in dict.fromkeys(row['name'] for row in rows):
        cells = []
        for name in names:
            found = [row for row in rows if row['name'] == model and row.get('pass') == name]
            row = found[0] if found else {}
            if 'ms' not in row:
                cells += ['failed', '']
                continue
            first.setdefault(name, row)
            cells.append(f'{row["ms"]:.1f} ({row["ms"] / first[name]["ms"]:.2f}x)')
            peak, base = row.get('peak_mib'), first[name].get('peak_mib')
            cells.append(f'{peak:.0f} ({peak / base:.2f}x)' if peak and base else 'n/a')
        lines.append(f'| {model} | {" | ".join(cells)} |')
    errors = dict.fromkeys(f'{row["name"]}: {row["error"]}' for row in rows if row.get('error'))
    return '\n'.join([*lines, *(f'\n{error}' for error in errors)])
