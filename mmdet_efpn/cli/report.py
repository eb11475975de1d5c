"""Write one HTML page about a training: curves, AP, errors, pictures, speed.

Example:
  mmdet-efpn test work_dirs/RUN/CONFIG.py work_dirs/RUN/epoch_12.pth --out found.json
  mmdet-efpn report work_dirs/RUN --predictions found.json

The page is made from the run's log, config and checkpoint, and from predictions of the test set, if
they are given. It needs no other file and no network. What is missing is named on it.
"""

import argparse
import sys

from .options import add_cfg_options, add_overwrite, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn report``."""
    parser.add_argument('run', metavar='RUN_DIR', help='work folder of a training')
    parser.add_argument(
        '--predictions',
        metavar='FILE',
        help='predictions of the test set (mmdet-efpn test --out): .json, .npz or .pkl',
    )
    parser.add_argument(
        '--out', metavar='FILE.html', help='page to write (default: report.html in RUN_DIR)'
    )
    parser.add_argument(
        '--num', type=positive, default=20, help='worst pictures to show (default: %(default)s)'
    )
    parser.add_argument(
        '--score-thr',
        type=float,
        default=0.3,
        help='lowest score that counts among errors (default: %(default)s)',
    )
    add_overwrite(parser, 'FILE.html')
    add_cfg_options(parser, "changes to the run's config, such as the data set's data_root")


def run(args: argparse.Namespace) -> None:
    """Writes the page and says what it lacks."""
    from pathlib import Path

    from tqdm import tqdm

    from ..reports import read_run, report_on_run
    from ..utils.atomic_file import write_text_atomically
    from ..utils.outputs import refuse_existing

    out = Path(args.out or Path(args.run) / 'report.html')
    if args.out is None:
        read_run(args.run, args.cfg_options)  # before a folder is made for the page
    refuse_existing(out, args.overwrite)
    report = report_on_run(
        args.run,
        args.predictions,
        num=args.num,
        score_thr=args.score_thr,
        cfg_options=args.cfg_options,
        watch=lambda pictures: tqdm(pictures, desc='Worst pictures', unit='picture', leave=False),
    )
    write_text_atomically(out, report.page)
    for text in report.missing:
        print(f'warning: {text}', file=sys.stderr)
    print(f'written: {out} ({out.stat().st_size / 2**20:.1f} MiB)')
