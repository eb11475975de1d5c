"""Accuracy of trained designs over test time and training time, against FPN on larger pictures.

    python -m benchmarks.curves RECIPE --figures docs/results/curves_hit_uav.json --picture curves.png

RECIPE has independent stages called ``DESIGN @SCALE, seed N``; ``mmdet-efpn recipe RECIPE`` trains them,
in one go or on several days. Figures of runs that are trained here are added to the file; those of runs
in the file stay. With ``--images N`` all designs that are trained here are timed in turn.
"""

import argparse
import datetime
import json
import platform
import sys
from pathlib import Path

import torch
from matplotlib.figure import Figure

from mmdet_efpn.evaluation import cost
from mmdet_efpn.recipes import Stage, load_stages
from mmdet_efpn.utils.atomic_file import write_text_atomically
from mmdet_efpn.utils.errors import UserError

from .common.curve import Point, above_curve, points_of, split_seed
from .common.trained_run import FIGURES, figures_of
from .designs import input_size
from .prediction_time import TimedDetector
from .prediction_time import compare as compare_times

NAMES = tuple(name for _, _, name in FIGURES)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.curves', description='Accuracy over time, with intervals.'
    )
    add = parser.add_argument
    add('recipe', help='path of the recipe')
    add('--figures', required=True, type=Path, metavar='JSON', help='file that the figures are added to')
    add('--work-dir', metavar='DIR', help="the recipe's work folder, if it had one of its own")
    add('--base', default='FPN', metavar='DESIGN', help='whose scales make the curve (default: FPN)')
    add('--draws', type=int, default=200, help='draws of pictures (default: %(default)s)')
    add('--images', type=int, default=0, metavar='N', help='time the designs on N test pictures')
    add('--repeats', type=int, default=3, help='timed rounds (default: %(default)s)')
    add('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where to time')
    add('--amp', metavar='TYPE', help='time under autocast in this type')
    add('--threads', type=int, default=torch.get_num_threads(), help='default: all')
    add('--picture', type=Path, metavar='PNG', help='draw the curves')
    return parser.parse_args(argv)


def add_runs(stages: list[Stage], content: dict, draws: int) -> None:
    """Adds figures of trained stages that the file lacks."""
    for stage in stages:
        if stage.result() is None or stage.name in content['runs']:
            continue
        cost.progress(f'testing {stage.name}')
        iterations = stage.cfg.train_cfg.max_iters
        content['runs'][stage.name] = dict(
            iterations=iterations,
            trained_in_seconds=stage.result()['seconds'],
            **figures_of(stage, draws),
        )


def take_times(stages: list[Stage], args: argparse.Namespace) -> dict:
    """Times of one trained run of each design: a test picture, and a training step's passes."""
    first: dict[str, Stage] = {}
    for stage in stages:
        if stage.result() is not None:
            first.setdefault(split_seed(stage.name)[0], stage)
    detectors = [
        TimedDetector(
            str(stage.config_file), stage.result()['checkpoint'], args.images, args.device, args.amp
        )
        for stage in first.values()
    ]
    tests = compare_times(detectors, args.repeats)
    subjects = []
    for name, stage in first.items():
        height, width = input_size(stage.cfg)
        batch = stage.cfg.train_dataloader.batch_size
        subjects.append(
            cost.Subject(name, str(stage.config_file), height, width, 'detector', batch_size=batch)
        )
    steps = cost.compare(subjects, args.device, args.repeats, amp=args.amp)
    machine = torch.cuda.get_device_name() if args.device == 'cuda' else platform.machine()
    return dict(
        date=str(datetime.date.today()),
        machine=f'{machine}, {args.threads} threads' if args.device == 'cpu' else machine,
        torch=torch.__version__,
        amp=args.amp,
        images=args.images,
        test={name: row['seconds'] for name, row in zip(first, tests, strict=True)},
        step={name: row['forward_backward_seconds'] for name, row in zip(first, steps, strict=True)},
        from_before=[],
    )


def with_earlier(times: dict, earlier: dict, base: str) -> dict:
    """Times with those of designs that are not trained here, scaled by the base's change at scale 1.

    Raises:
        UserError: There are such designs, and the base is not among those measured.
    """
    missing = [name for name in earlier.get('test', {}) if name not in times['test']]
    landmark = f'{base} @1'
    if missing and landmark not in times['test']:
        raise UserError(f'{landmark} is not trained here: without it, times are not comparable')
    for kind in ('test', 'step') if missing else ():
        factor = times[kind][landmark] / earlier[kind][landmark]
        times[kind].update({name: earlier[kind][name] * factor for name in missing})
    return dict(times, from_before=missing)


def training_times(content: dict) -> dict[str, float]:
    """Seconds of forward and backward passes that each design's training takes."""
    iterations = {split_seed(name)[0]: run['iterations'] for name, run in content['runs'].items()}
    steps = content['times']['step']
    return {name: steps[name] * iterations[name] for name in steps if name in iterations}


def table(content: dict, base: str) -> str:
    """All designs as Markdown: times, figures, and how far AP and AP small are above the curve."""
    times = content['times']['test']
    rows = {
        name: above_curve(points_of(content['runs'], times, name), base) for name in ('AP', 'AP small')
    }
    means = {
        name: {point.name: point.mean() for point in points_of(content['runs'], times, name)}
        for name in NAMES
    }
    points = sorted(
        points_of(content['runs'], times, 'AP'), key=lambda one: (one.design != base, one.time)
    )
    heads = ['design', 'seeds', 'a picture (ms)', 'a step (s)', *NAMES]
    heads += ['AP above the curve', 'AP small above the curve']
    lines = [f'| {" | ".join(heads)} |', '|' + ' --- |' * len(heads)]
    for point in points:
        cells = [point.name, str(len(point.values)), f'{1e3 * point.time:.0f}']
        cells.append(f'{content["times"]["step"][point.name]:.2f}')
        cells += [f'{means[name][point.name]:.3f}' for name in NAMES]
        cells += [_shown(rows[name][point.name]) for name in rows]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def _shown(row: dict) -> str:
    if 'above' not in row:
        return ''
    low, high = row['above_interval']
    return f'{row["above"]:+.3f} ({low:+.3f} to {high:+.3f})' + (' *' if row['outside'] else '')


def draw(content: dict, base: str) -> Figure:
    """AP and AP small over test time and over training time; bars hold nineteen of twenty draws."""
    figure = Figure(figsize=(12, 8), dpi=110, layout='constrained')
    panels = figure.subplots(2, 2, sharey='row', sharex='col')
    axes_of_time = (
        ('test time for a picture (ms)', 1e3, content['times']['test']),
        ('training time, forward and backward passes (min)', 1 / 60, training_times(content)),
    )
    for row, name in zip(panels, ('AP', 'AP small'), strict=True):
        for axes, (label, factor, times) in zip(row, axes_of_time, strict=True):
            points = points_of(content['runs'], times, name)
            _draw_panel(axes, points, above_curve(points, base), base, factor)
            axes.grid(alpha=0.3)
            axes.set(ylabel=name)
            axes.label_outer()
            if name == 'AP small':
                axes.set(xlabel=label)
    panels[0, 0].legend(loc='lower right', fontsize=9)
    return figure


def _draw_panel(axes, points: list[Point], rows: dict, base: str, factor: float) -> None:
    designs = sorted({point.design for point in points}, key=lambda design: (design != base, design))
    for number, design in enumerate(designs):
        own = sorted((one for one in points if one.design == design), key=lambda one: one.time)
        values = [one.mean() for one in own]
        low, high = zip(*(rows[one.name]['interval'] for one in own), strict=True)
        bars = [[max(0, v - a) for v, a in zip(values, low, strict=True)]]
        bars.append([max(0, b - v) for v, b in zip(values, high, strict=True)])
        axes.errorbar(
            [factor * one.time for one in own],
            values,
            bars,
            label=design,
            marker='s' if design == base else 'o',
            color='0.35' if design == base else f'C{number - 1}',
            linestyle='-' if len(own) > 1 else 'none',
            capsize=2,
            elinewidth=0.8,
        )


def read_figures(path: Path) -> dict:
    """The file's content; an empty one without a file.

    Raises:
        UserError: It is not such a file.
    """
    if not path.is_file():
        return dict(runs={}, times={})
    content = json.loads(path.read_text())
    if not isinstance(content, dict) or not {'runs', 'times'} <= set(content):
        raise UserError(f'{path} is not a file of curves: name another, or none that exists')
    return content


def main(argv: list[str] | None = None) -> None:
    """Adds what is trained, and prints and draws what the file has."""
    args = parse_args(argv)
    torch.set_num_threads(args.threads)
    try:
        content = read_figures(args.figures)
        stages = load_stages(args.recipe, args.work_dir, {})
        for stage in stages:
            split_seed(stage.name)
        add_runs(stages, content, args.draws)
        if args.images:
            content['times'] = with_earlier(take_times(stages, args), content['times'], args.base)
        write_text_atomically(args.figures, json.dumps(content) + '\n')
        if content['times']:
            print(table(content, args.base))
            if args.picture:
                args.picture.parent.mkdir(parents=True, exist_ok=True)
                draw(content, args.base).savefig(args.picture)
                print(args.picture)
    except UserError as error:
        print(f'curves: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    print(f'written: {args.figures}')


if __name__ == '__main__':
    main()
