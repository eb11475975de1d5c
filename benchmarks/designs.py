"""Cost and accuracy of the designs that a recipe of independent stages trained.

    python -m benchmarks.designs RECIPE --picture pareto.png

Accuracy is what ``mmdet-efpn recipe RECIPE``
left in the work folder; costs are measured now, all designs in turn, each at its own input size.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import Config

from mmdet_efpn.evaluation.cost import Subject, compare
from mmdet_efpn.recipes import METRICS, Stage, load_stages
from mmdet_efpn.utils.errors import UserError

from .common.arguments import add_measuring_arguments, finish
from .common.pareto import draw_pareto


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.designs', description='Cost and accuracy of the designs of a recipe.'
    )
    parser.add_argument('recipe', help='path of the recipe that was trained')
    parser.add_argument('--work-dir', metavar='DIR', help='its work folder, if it had one of its own')
    parser.add_argument('--batch-size', type=int, default=4, help='images a step (default: %(default)s)')
    parser.add_argument('--picture', metavar='PNG', help='draw AP small over seconds a step')
    parser.add_argument(
        '--landmarks',
        nargs='+',
        default=['FPN 320', 'FPN 640'],
        metavar='NAME',
        help='designs that the picture marks (default: FPN 320, FPN 640)',
    )
    add_measuring_arguments(parser, repeats=3)
    return parser.parse_args(argv)


def input_size(cfg: Config) -> tuple[int, int]:
    """Height and width that a config's test pipeline gives its images.

    Raises:
        UserError: It does not resize to one size.
    """
    dataset = cfg.test_dataloader.dataset
    for step in dataset.pipeline:
        if step['type'] == 'Resize' and step.get('scale'):
            width, height = step['scale']
            return height, width
    raise UserError('the test pipeline has no Resize with a scale, so its input size is not known')


def measured(stages: list[Stage], args: argparse.Namespace) -> list[dict]:
    """One dict of cost figures (see ``cost.compare``) and accuracies for each stage."""
    subjects = []
    for stage in stages:
        height, width = input_size(stage.cfg)
        subjects.append(
            Subject(
                stage.name, str(stage.config_file), height, width, 'detector', batch_size=args.batch_size
            )
        )
    rows = compare(subjects, args.device, args.repeats, amp=args.amp)
    for row, stage in zip(rows, stages, strict=True):
        row.update(stage.result()['metrics'])
    return rows


def table(rows: list[dict]) -> str:
    """The figures as Markdown; times with their ratio to the first row's."""
    headings = [
        'design',
        'input',
        'parameters (M)',
        'G an image',
        'forward + backward (s)',
        'its peak (MiB)',
        *METRICS,
    ]
    lines = [f'| {" | ".join(headings)} |', '|' + ' --- |' * len(headings)]
    for row in rows:
        seconds = row['forward_backward_seconds']
        ratio = seconds / rows[0]['forward_backward_seconds']
        count = 'n/a' if row['macs'] is None else f'{row["macs"] / 1e9:.1f}'
        peak = row['forward_backward_bytes']
        cells = [
            row['name'],
            f'{row["height"]}x{row["width"]}',
            f'{row["parameters"] / 1e6:.1f}',
            count,
            f'{seconds:.2f} ({ratio:.2f}x)',
            'n/a' if peak is None else f'{peak / 2**20:.0f}',
            *(f'{row[metric]:.3f}' if metric in row else 'n/a' for metric in METRICS),
        ]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def main(argv: list[str] | None = None) -> None:
    """Measures the designs that are trained, prints the table and draws the picture.

    A wrong argument, or a recipe of which nothing is trained, ends it with one line on stderr; exit
    status 2.
    """
    args = parse_args(argv)
    try:
        stages = load_stages(args.recipe, args.work_dir, {})
        trained = [stage for stage in stages if stage.result() is not None]
        if not trained:
            raise UserError(
                f'nothing is trained in {stages[0].folder.parent}; run '
                f'mmdet-efpn recipe {args.recipe} first, with the same --work-dir'
            )
        rows = measured(trained, args)
    except UserError as error:
        print(f'designs: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    print(table(rows))
    finish(f'detector, batch of {args.batch_size}', args, rows)
    for stage in stages:
        if stage not in trained:
            print(f'not trained: {stage.name}')
    if args.picture:
        points = {row['name']: (row['forward_backward_seconds'], row['AP small']) for row in rows}
        Path(args.picture).parent.mkdir(parents=True, exist_ok=True)
        draw_pareto(points, args.landmarks, 'forward and backward of a batch (s)', 'AP small').savefig(
            args.picture
        )
        print(args.picture)


if __name__ == '__main__':
    main()
