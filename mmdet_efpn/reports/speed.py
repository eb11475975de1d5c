"""Speed and memory of a run, as its log has them."""

import numpy as np

from ..visualization import report_page as html
from .run_files import RunFiles


def speed_part(run: RunFiles) -> str:
    """Tables of training and testing; what the log does not have is named."""
    tables = [_training(run), _testing(run)]
    text = html.side_by_side(html.table_as_html(table) for table in tables if table is not None)
    if tables[0] is None:
        text += html.warning('No times of training: there is no log.')
    if tables[1] is None:
        text += html.warning('No times of prediction: no validation or test was logged.')
    config = run.config_file or 'CONFIG'
    return text + html.note(
        f'Multiply-adds and the share of each part: mmdet-efpn cost {config}. Times are means over '
        'logging windows, loading of data included; other programs on the machine count too.'
    )


def _training(run: RunFiles) -> html.Table | None:
    entries = [entry for entry in run.training if 'time' in entry]
    if not entries:
        return None
    times = np.array([entry['time'] for entry in entries])
    middle, last = float(np.median(times)), max(int(entry['step']) for entry in entries)
    rows: html.Rows = [('an iteration', f'{_time(middle)} (median; mean {_time(float(times.mean()))})')]
    if batch := _batch(run, 'train_dataloader'):
        rows.append(('images a second', f'{batch / middle:.1f} a process, batches of {batch}'))
    if loads := [entry['data_time'] for entry in entries if 'data_time' in entry]:
        share = float(np.sum(loads)) / max(float(times.sum()), 1e-12)
        rows.append(('waiting for data', f'{share:.0%} of the time'))
    rows.append(('all', f'about {_time(last * float(times.mean()))} for {last} iterations'))
    memory = [entry['memory'] for entry in entries if 'memory' in entry]
    rows.append(
        ('GPU memory', f'{max(memory):,.0f} MiB at most' if memory else 'not logged: no GPU was used')
    )
    return html.Table('Training', ('', ''), rows)


def _testing(run: RunFiles) -> html.Table | None:
    rows: html.Rows = []
    logged = (
        ('validation', 'val_dataloader', run.validation),
        ('test', 'test_dataloader', run.tests),
    )
    for name, loader, entries in logged:
        times = [entry['time'] for entry in entries if 'time' in entry]
        if not times:
            continue
        middle = float(np.median(times))
        rows.append((name, f'{_time(middle)} a batch (median of {len(times)} runs)'))
        if batch := _batch(run, loader):
            rows.append(('', f'{batch / middle:.1f} images a second a process, batches of {batch}'))
        memory = [entry['memory'] for entry in entries if 'memory' in entry]
        if memory:
            rows.append(('', f'{max(memory):,.0f} MiB of GPU memory at most'))
    return html.Table('Prediction', ('', ''), rows) if rows else None


def _batch(run: RunFiles, loader: str) -> int:
    found = (run.config or {}).get(loader)
    return int(found.get('batch_size') or 0) if isinstance(found, dict) else 0


def _time(seconds: float) -> str:
    """A time in a unit that fits.

    Example:
        >>> _time(0.0042), _time(3.25), _time(5400)
        ('4.2 ms', '3.25 s', '1 h 30 min')
    """
    if seconds < 1:
        return f'{1000 * seconds:.3g} ms'
    if seconds < 120:
        return f'{seconds:.3g} s'
    hours, minutes = divmod(round(seconds / 60), 60)
    return f'{hours} h {minutes} min' if hours else f'{minutes} min'
