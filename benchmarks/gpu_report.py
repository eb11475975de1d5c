"""Time and memory of detectors on a GPU, part by part, for ``benchmarks/gpu_report.sh``.

    python -m benchmarks.gpu_report PART --out FOLDER

Each part appends to ``rows.jsonl``, row by row, and its tables to ``report.md``. All models of a part
take turns in one process; times are medians of the GPU's own events. Weights are random, so a
prediction's last NMS has little to do, for all alike.
"""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from mmdet_efpn import register_all_modules
from mmdet_efpn.cli.options import positive
from mmdet_efpn.engine import readable_inputs
from mmdet_efpn.evaluation.cost import PASSES, autocast, parse_subject, precision, prepare, timed
from mmdet_efpn.evaluation.cost.subject import random_samples
from mmdet_efpn.utils.amp_types import AMP_TYPES

from .common.in_turn import Trial, rows_in_turn, table

OURS = 'mmdet_efpn::coco/faster-rcnn_{}_{}_1x_coco.py'
R50 = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
X101 = 'mmdet::faster_rcnn/faster-rcnn_x101-32x8d_fpn_ms-3x_coco.py'
PAIR = {'FPN': R50, 'efpn-light': OURS.format('r50', 'efpn-light')}
DESIGNS = {
    **PAIR,
    'FPN, input doubled': f'{R50}@2x',
    "efpn-light, P2' at its full width": (
        OURS.format('r50', 'efpn-light') + '@model.neck.extension_cfg.widen_on_rois=False'
    ),
    'EFPN, FTT h = 128': OURS.format('r50', 'efpn') + '@model.neck.ftt.hidden_channels=128',
    'EFPN, FTT h = 512 (released)': OURS.format('r50', 'efpn') + '@model.neck.ftt.hidden_channels=512',
    'PointwiseFTT': OURS.format('r50', 'efpn-pointwise'),
    'SwinFTT': OURS.format('r50', 'efpn-swin'),
    'HATFTT': OURS.format('r50', 'efpn-hat'),
}
X101_DESIGNS = {
    'X-101, FPN': X101,
    'X-101, efpn-light': OURS.format('x101-32x8d', 'efpn-light'),
    'X-101, EFPN, FTT h = 512 (released)': OURS.format('x101-32x8d', 'efpn'),
}
# part: designs, images in a batch, what is built, title
PARTS: dict[str, tuple[dict[str, str], int, str, str]] = {
    'necks': (DESIGNS, 2, 'backbone+neck', 'R-50, backbone and neck'),
    'detectors': (PAIR, 2, 'detector', 'R-50, whole detector'),
    'x101': (X101_DESIGNS, 1, 'backbone+neck', 'X-101, backbone and neck'),
    'compiled': (PAIR, 2, 'compiled', 'R-50, backbone and neck, torch.compile'),
    'channels_last': (PAIR, 2, 'channels_last', 'R-50, backbone and neck, channels last'),
}


def passes_of_neck(
    config: str, args: argparse.Namespace, batch: int, kind: str
) -> dict[str, Callable[[], float]]:
    """The forward and the training pass of a config's backbone and neck."""
    subject = parse_subject(config, args.size, 'backbone+neck', {}, batch)
    model = prepare(subject.build(), args.device, args.amp)
    images = subject.images(args.device)
    if kind == 'channels_last':
        model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    if kind == 'compiled':
        # On the CPU of a small trial the compiler's own work would take minutes.
        model.compile(backend='eager' if args.tiny else 'inductor')
    return {
        name.replace('_', ' + '): partial(run, model, images, args.amp) for name, run in PASSES.items()
    }


def passes_of_detector(
    config: str, args: argparse.Namespace, batch: int
) -> dict[str, Callable[[], float]]:
    """A training iteration with the optimiser's step, and a prediction with NMS."""
    subject = parse_subject(config, args.size, 'detector', {}, batch)
    model = prepare(subject.build(), args.device, args.amp)
    images = subject.images(args.device)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1e-6, momentum=0.9)

    def iteration() -> None:
        model.train()
        with readable_inputs():
            with autocast(images.device, args.amp):
                loss = model.loss(images)
            loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def prediction() -> None:
        model.eval()
        with torch.no_grad(), readable_inputs(), autocast(images.device, args.amp):
            model.detector(images, random_samples(images), mode='predict')

    return {
        'training iteration': partial(timed, iteration, images.device),
        'prediction': partial(timed, prediction, images.device),
    }


def trials_of(part: str, args: argparse.Namespace) -> list[Trial]:
    """What a part compares."""
    designs, batch, kind, _ = PARTS[part]
    if args.tiny:
        designs, batch = dict(list(designs.items())[:2]), 1
    trials = []
    for name, config in designs.items():
        if args.tiny and 'x101' in config:
            config += '@model.backbone.depth=50'
        build = (
            partial(passes_of_detector, config, args, batch)
            if kind == 'detector'
            else partial(passes_of_neck, config, args, batch, kind)
        )
        trials.append(Trial(name, build))
    return trials


def measure(part: str, args: argparse.Namespace) -> list[dict]:
    """Measures a part; each row is in ``rows.jsonl`` before the next is begun."""
    on_gpu = args.device.startswith('cuda')
    where = dict(
        part=part,
        card=torch.cuda.get_device_name() if on_gpu else 'CPU',
        torch=torch.__version__,
        size=list(args.size),
        batch=1 if args.tiny else PARTS[part][1],
        precision=precision(args.amp),
    )
    rows = []
    with (args.out / 'rows.jsonl').open('a', encoding='utf-8') as file:
        for row in rows_in_turn(trials_of(part, args), torch.device(args.device), args.repeats):
            rows.append(row)
            print(json.dumps({**where, **row}), file=file, flush=True)
    title = (
        f'## {PARTS[part][3]}\n\n{where["card"]}, torch {where["torch"]}, '
        f'{args.size[0]}x{args.size[1]}, batch of {where["batch"]}, {where["precision"]}, '
        f'medians of {args.repeats} in turn.\n'
    )
    text = f'{title}\n{table(rows)}\n'
    print(text, flush=True)
    with (args.out / 'report.md').open('a', encoding='utf-8') as file:
        file.write(f'{text}\n')
    return rows


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.gpu_report', description='Time and memory of detectors on a GPU.'
    )
    parser.add_argument('parts', nargs='+', choices=PARTS, help='what is measured')
    parser.add_argument('--out', type=Path, required=True, help='folder of rows.jsonl and report.md')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', choices=AMP_TYPES, default=AMP_TYPES[0], help='default: %(default)s')
    parser.add_argument('--repeats', type=positive, default=20, help='timed rounds (default: 20)')
    parser.add_argument(
        '--tiny', action='store_true', help='two designs, small images, one round: a trial of the script'
    )
    args = parser.parse_args(argv)
    args.size = (64, 96) if args.tiny else (800, 1344)
    args.repeats = 1 if args.tiny else args.repeats
    return args


def main(argv: list[str] | None = None) -> int:
    """Measures the parts; exit status 1 where a design failed."""
    args = parse_args(argv)
    register_all_modules()
    args.out.mkdir(parents=True, exist_ok=True)
    failed = [row for part in args.parts for row in measure(part, args) if row.get('error')]
    return int(bool(failed))


if __name__ == '__main__':
    raise SystemExit(main())
