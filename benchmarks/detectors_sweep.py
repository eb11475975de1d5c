"""What becomes of every config that MMDetection ships: docs/results/detectors.md and the CSV beside it.

``python -m benchmarks.detectors_sweep --all``
"""

import argparse
import json
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import mmdet

from mmdet_efpn.utils.atomic_file import write_text_atomically

from .common.config_trial import FAILED, fingerprint, quiet, try_config
from .common.sweep_page import csv_text, page

TRIALS_A_POOL = 120  # then fresh processes: detectors leave memory behind


def shipped_configs(folder: Path | None = None) -> dict[str, Path]:
    """Configs by their name below a folder, by default that of the installed MMDetection."""
    folder = folder or Path(mmdet.__file__).parent / '.mim' / 'configs'
    files = sorted(path for path in folder.rglob('*.py') if '_base_' not in path.parts)
    return {path.relative_to(folder).as_posix(): path for path in files}


def sample_of(names: list[str], count: int, seed: int) -> list[str]:
    """A sample with one of each family (folder) first, as far as it goes."""
    generator = random.Random(seed)
    shuffled = generator.sample(names, len(names))
    first_of_family = list({name.partition('/')[0]: name for name in reversed(shuffled)}.values())
    generator.shuffle(first_of_family)
    rest = [name for name in shuffled if name not in first_of_family]
    return sorted((first_of_family + rest)[:count])


def sweep(configs: dict[str, Path], workers: int, rows: Path) -> list[dict]:
    """A row for each config; those that lie in the file ``rows`` already are not run again.

    Configs with the same detector and optimiser are run once.
    """
    done = (
        {row['config']: row for row in map(json.loads, rows.read_text().splitlines())}
        if (rows.is_file())
        else {}
    )
    names = [name for name in configs if name not in done]
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(fingerprint(str(configs[name])), []).append(name)
    alike = {group[0]: group for group in groups.values()}
    firsts = {name: str(configs[name]) for name in alike}
    rows.parent.mkdir(parents=True, exist_ok=True)
    with rows.open('a') as file:
        for count, (name, row) in enumerate(_in_pool(firsts, workers), start=1):
            if isinstance(row, Exception):
                row = dict(status=FAILED, reason=f'the process died: {row}', kind='', strides='')
            for same in alike[name]:
                done[same] = dict(row, config=same, run_as=name)
                file.write(json.dumps(done[same]) + '\n')
            file.flush()
            print(f'{count}/{len(firsts)} {name}: {row["status"]} {row["reason"][:160]}', flush=True)
    return [done[name] for name in configs]


def _in_pool(paths: dict[str, str], workers: int) -> Iterator[tuple[str, object]]:
    """Names and rows as they come; of a trial whose process died, the exception."""
    left = dict(paths)
    while left:
        # Not max_tasks_per_child: with it, Python 3.11 may leave a worker's place empty.
        with ProcessPoolExecutor(workers, get_context('spawn'), quiet) as pool:
            some = islice(left.items(), TRIALS_A_POOL)
            running = {pool.submit(try_config, path): name for name, path in some}
            try:
                for future in as_completed(running):
                    name, result = running[future], future.result()
                    del left[name]
                    yield name, result
            except BrokenProcessPool as error:
                # Which one it was is not told: the first that were left ran when it died.
                name = next(iter(left))
                del left[name]
                yield name, error


def main(argv: Iterable[str] | None = None) -> None:
    """Runs what the command line names and, with ``--all``, writes the page and the CSV."""
    parser = argparse.ArgumentParser(prog='python -m benchmarks.detectors_sweep', description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument('--all', action='store_true', help='every config; writes --out')
    which.add_argument('--sample', type=int, metavar='N', help='so many, each family once first')
    parser.add_argument('--seed', type=int, default=0, help='of the sample (default: %(default)s)')
    parser.add_argument('--folder', type=Path, help="configs of yours, instead of MMDetection's")
    parser.add_argument('--workers', type=int, default=2, help='processes (default: %(default)s)')
    parser.add_argument('--out', type=Path, default=Path('docs/results/detectors.md'))
    parser.add_argument(
        '--rows',
        type=Path,
        default=Path('work_dirs/detectors_sweep.jsonl'),
        help='rows so far; what stands here is not run again (default: %(default)s)',
    )
    args = parser.parse_args(argv)
    configs = shipped_configs(args.folder)
    if args.sample:
        configs = {name: configs[name] for name in sample_of(list(configs), args.sample, args.seed)}
    start = time.monotonic()
    rows = sweep(configs, args.workers, args.rows)
    minutes = (time.monotonic() - start) / 60
    counts: dict[str, int] = {}
    for row in rows:
        counts[row['status']] = counts.get(row['status'], 0) + 1
    print(f'{counts}, {minutes:.0f} minutes')
    if args.all:
        write_text_atomically(args.out.with_suffix('.csv'), csv_text(rows))
        write_text_atomically(args.out, page(rows, minutes, args.workers))


if __name__ == '__main__':
    main()
