"""Count a detector's errors by kind and size, and draw the worst pictures.

Kinds are TIDE's: missed, wrong class, poor location, both, duplicate, background. Sizes and detections a
picture are those of the config's metric.
"""

import argparse
import sys

from .options import add_overwrite, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn errors``."""
    parser.add_argument('config', help='config whose test set the predictions are of')
    parser.add_argument('predictions', help='predictions of the detector (mmdet-efpn test --out)')
    parser.add_argument(
        '--out', metavar='DIR', help='write errors.md and pictures of the worst to this folder'
    )
    parser.add_argument(
        '--num', type=positive, default=20, help='pictures to draw (default: %(default)s)'
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.3, help='lowest score to count (default: %(default)s)'
    )
    add_overwrite(parser, 'each file')


def run(args: argparse.Namespace) -> None:
    """Prints the counts and writes the pictures."""
    from pathlib import Path

    from ..evaluation import errors, numbers_of_detections, read_annotated_set, read_predictions
    from ..utils.atomic_file import write_text_atomically
    from ..utils.outputs import refuse_existing
    from ..utils.read_config import read_config

    if args.out is not None:
        refuse_existing(Path(args.out) / 'errors.md', args.overwrite)
    cfg = read_config(args.config)
    (predictions,) = read_predictions(args.predictions)
    judged = read_annotated_set(cfg)
    report = errors.count_errors(judged, predictions, args.score_thr)
    if warning := numbers_of_detections(cfg).warning():
        print(f'warning: {warning}', file=sys.stderr)
    text = f'{len(report.images)} images, scores from {args.score_thr:g}, IoU 0.5; {report.most} '
    text += f'detections a picture at most\n\n{report.table()}'
    print(text)
    if args.out is None:
        return
    worst = report.worst(args.num)
    paths = {entry['img_id']: entry.get('img_path', f'of id {entry["img_id"]}') for entry in predictions}
    names = dict(zip(judged.cat_ids, judged.classes, strict=True))
    pictures = errors.draw_worst(worst, paths, names, args.out, args.overwrite)
    lines = ['', '', 'The worst pictures:', '']
    lines += [
        f'- [{path.name}]({path.name}): {len(image.errors)} errors'
        for path, image in zip(pictures, worst, strict=True)
    ]
    write_text_atomically(Path(args.out) / 'errors.md', '# Errors\n\n' + text + '\n'.join(lines) + '\n')
    print(f'written: errors.md and {len(pictures)} pictures in {args.out}')
