"""Three ways through huge scenes: whole with sparse P2', in tiles, SAHI with the plain detector.

    python -m benchmarks.huge_scenes --extended EFPN.py=EFPN.pth --plain FPN.py=FPN.pth \
        --frames val.json images/ --scenes pictures/

``--frames`` become a mosaic with known boxes, for AP small; ``--scenes`` are timed alone. Pictures and
tiles are resized by ``--scale`` alone: that of the training. Each way runs in a process of its own, so
that peak memory is its own too; the ways take turns. SAHI takes one tile at a time. ``--tiny`` makes all
of it small, to see that it runs.
"""

import argparse
import contextlib
import io
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_efpn.inference import Found, Predictor, Tiles, find_sources
from mmdet_efpn.inference.sahi_model import register_with_sahi
from mmdet_efpn.utils.config_parts import inner_detector, leaf_datasets
from mmdet_efpn.utils.errors import MissingPackageError, UserError
from mmdet_efpn.utils.read_config import read_config

from .common.arguments import add_measuring_arguments, finish
from .common.mosaic import make_mosaic

WAYS = ("whole, sparse P2'", 'tiles', 'SAHI, plain')
Way = tuple[Callable[[str], Found], tuple[str, ...]]  # runs on a picture; class names
MOST = 10_000  # detections a scene
TINY = dict(mosaic=400, tile=192, overlap=32, batch=2, repeats=1)


def prepared(pair: str, device: str, tiles: int, sparse: bool, scale: float = 1.0) -> Predictor:
    """A detector that resizes all pictures alike, and may find so many times more than in a tile.

    Args:
        pair: ``CONFIG=CHECKPOINT``.
        device: Where it runs.
        tiles: How many tiles' worth of objects are in a picture.
        sparse: Compute P2' only where RoIs read it.
        scale: What pictures are resized by.
    """
    config, _, checkpoint = pair.partition('=')
    cfg: Config = read_config(config)
    for dataset in leaf_datasets(cfg.test_dataloader.dataset):
        for step in dataset['pipeline']:
            if step['type'] == 'Resize':
                step.pop('scale', None)
                step['scale_factor'] = scale
    model = inner_detector(cfg.model)
    for stage in ('rpn', 'rcnn'):
        for key, value in model['test_cfg'].get(stage, {}).items():
            if key in ('nms_pre', 'max_per_img') and value > 0:
                model['test_cfg'][stage][key] = value * tiles
    if sparse:
        model['neck']['sparse'] = True
    return Predictor(cfg, checkpoint, device, show_progress=False)


def whole(args: argparse.Namespace, windows: int) -> Way:
    """The whole picture at once, by the extended detector with sparse P2'."""
    predictor = prepared(args.extended, args.device, windows, True, args.scale)
    return lambda path: _found(predictor(path, workers=0)['predictions'][0]), predictor.classes


def tiles(args: argparse.Namespace, windows: int) -> Way:
    """Tiles in batches, by the extended detector."""
    predictor = prepared(args.extended, args.device, 1, False, args.scale)
    how = Tiles(args.tile, args.overlap)
    return lambda path: _found(
        predictor(path, args.batch, tiles=how)['predictions'][0]
    ), predictor.classes


def sahi(args: argparse.Namespace, windows: int) -> Way:
    """SAHI's slices, one at a time, by the plain detector.

    Raises:
        MissingPackageError: SAHI is not installed.
    """
    kind = register_with_sahi()
    from sahi.predict import get_sliced_prediction

    predictor = prepared(args.plain, args.device, 1, False, args.scale)
    model = kind(model=predictor, device=args.device, confidence_threshold=0.0)
    share = args.overlap / args.tile

    def run(path: str) -> Found:
        result = get_sliced_prediction(
            path,
            model,
            slice_height=args.tile,
            slice_width=args.tile,
            overlap_height_ratio=share,
            overlap_width_ratio=share,
            perform_standard_pred=False,
            batch_size=1,
            verbose=0,
        )
        objects = result.object_prediction_list
        return Found(
            np.array([one.bbox.to_xyxy() for one in objects], dtype=float).reshape(-1, 4),
            np.array([one.score.value for one in objects], dtype=float),
            np.array([one.category.id for one in objects], dtype=int),
        )

    return run, predictor.classes


RUN = dict(zip(WAYS, (whole, tiles, sahi), strict=True))


def measure(way: str, args: argparse.Namespace, paths: list[str], answers) -> None:
    """Runs one way on pictures, in its own process; seconds, peak memory and boxes go to a queue."""
    try:
        torch.set_num_threads(args.threads)
        sizes = [_size(path) for path in paths]
        most = max(len(Tiles(args.tile, args.overlap).windows(*size)) for size in sizes)
        run, classes = RUN[way](args, most)
        run(paths[0])  # warms up
        seconds, found = [], []
        for path in paths:
            start = time.perf_counter()
            found.append(run(path))
            seconds.append(time.perf_counter() - start)
        answers.put(dict(seconds=seconds, memory=_peak(args.device), found=found, classes=classes))
    except (UserError, MissingPackageError) as error:
        answers.put(dict(error=str(error)))
    except torch.cuda.OutOfMemoryError:
        answers.put(dict(error='out of memory'))


def compare(args: argparse.Namespace, paths: list[str], truth: dict | None) -> list[dict]:
    """All ways in turn, round by round.

    Args:
        args: The command line.
        paths: The pictures; the first one is the mosaic, if there is one.
        truth: Its annotations.

    Returns:
        list[dict]: For each way ``way``, ``seconds`` (median over rounds, a picture each), ``memory`` in
        bytes, ``objects`` a picture and ``ap_small``, ``ap``; or ``error``.
    """
    context = multiprocessing.get_context('spawn')
    rounds: dict[str, list[dict]] = {way: [] for way in WAYS}
    for _ in range(args.repeats):
        for way, measured in rounds.items():
            answers = context.Queue()
            process = context.Process(target=measure, args=(way, args, paths, answers))
            process.start()
            measured.append(_answer(answers, process))
            process.join()
    return [_row(way, measured, truth) for way, measured in rounds.items()]


def average_precision(found: Found, classes: Sequence[str], truth: dict, size: str) -> float:
    """COCO's AP of one scene, for objects of a size, with any number of detections.

    Args:
        found: What was found.
        classes: The detector's class names; classes that the annotations do not have are left out.
        truth: A COCO file's content with one picture.
        size: ``'all'`` or ``'small'``.
    """
    ids = {category['name']: category['id'] for category in truth['categories']}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        rows = [
            [1, x1, y1, x2 - x1, y2 - y1, score, ids[classes[label]]]
            for (x1, y1, x2, y2), score, label in zip(*found, strict=True)
            if classes[label] in ids
        ]
        if not rows:
            return 0.0
        evaluator = COCOeval(coco, coco.loadRes(np.array(rows)), 'bbox')
        evaluator.params.maxDets = [1, 100, MOST]
        evaluator.evaluate()
        evaluator.accumulate()
    place = evaluator.params.areaRngLbl.index(size)
    precision = evaluator.eval['precision'][..., place, -1]
    return float(precision[precision > -1].mean()) if (precision > -1).any() else float('nan')


def _answer(answers, process) -> dict:
    while process.is_alive() or not answers.empty():
        with contextlib.suppress(Exception):  # nothing is there yet
            return answers.get(timeout=1)
    return dict(error=f'its process ended with exit code {process.exitcode}, killed for its memory?')


def _row(way: str, measured: list[dict], truth: dict | None) -> dict:
    failed = next((one['error'] for one in measured if 'error' in one), None)
    if failed is not None:
        return dict(way=way, error=failed)
    last = measured[-1]
    row = dict(
        way=way,
        seconds=[
            statistics.median(times) for times in zip(*(one['seconds'] for one in measured), strict=True)
        ],
        memory=max(one['memory'] for one in measured),
        objects=[len(one.scores) for one in last['found']],
    )
    if truth is not None:
        for key, size in (('ap', 'all'), ('ap_small', 'small')):
            row[key] = average_precision(last['found'][0], last['classes'], truth, size)
    return row


def _found(prediction: dict) -> Found:
    boxes = np.array(prediction['bboxes'], dtype=float).reshape(-1, 4)
    return Found(boxes, np.array(prediction['scores']), np.array(prediction['labels'], dtype=int))


def _size(path: str) -> tuple[int, int]:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        return image.size


def _peak(device: str) -> int:
    if device.startswith('cuda'):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def table(rows: list[dict], names: list[str]) -> str:
    """The figures as Markdown."""
    lines = [
        '| way | '
        + ' | '.join(f'{name} (s)' for name in names)
        + ' | peak memory (GB) | AP | AP small |',
        '| --- |' + ' --- |' * (len(names) + 3),
    ]
    for row in rows:
        if 'error' in row:
            lines.append(f'| {row["way"]} | {row["error"]} |' + ' |' * (len(names) + 2))
            continue
        times = ' | '.join(f'{seconds:.2f}' for seconds in row['seconds'])
        figures = ' | '.join(f'{row[key]:.3f}' if key in row else '' for key in ('ap', 'ap_small'))
        lines.append(f'| {row["way"]} | {times} | {row["memory"] / 1e9:.2f} | {figures} |')
    return '\n'.join(lines)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.huge_scenes', description='Compare three ways through huge scenes.'
    )
    parser.add_argument('--extended', required=True, metavar='CONFIG=CHECKPOINT')
    parser.add_argument('--plain', required=True, metavar='CONFIG=CHECKPOINT')
    parser.add_argument('--frames', nargs=2, metavar=('ANNOTATIONS.json', 'IMAGES'))
    parser.add_argument('--scenes', metavar='DIR', help='pictures that are timed alone')
    parser.add_argument(
        '--mosaic', type=int, default=6000, help='side of the mosaic (default: %(default)s)'
    )
    parser.add_argument(
        '--scale', type=float, default=1.0, help='that the detectors were trained at (default: 1)'
    )
    parser.add_argument('--tile', type=int, default=1024, help='side of a tile (default: %(default)s)')
    parser.add_argument('--overlap', type=int, default=128, help='default: %(default)s')
    parser.add_argument('--batch', type=int, default=4, help='tiles at a time (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads(), help='default: all')
    parser.add_argument('--tiny', action='store_true', help='small pictures, one round')
    add_measuring_arguments(parser, repeats=3)
    args = parser.parse_args(argv)
    if not args.frames and not args.scenes:
        parser.error('give --frames, --scenes or both')
    if args.tiny:
        vars(args).update(TINY)
    return args


def main(argv: list[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        paths, truth = [], None
        if args.frames:
            path, truth = make_mosaic(*args.frames, args.mosaic, Path(folder))
            paths.append(str(path))
        if args.scenes:
            scenes = [item.path for item in find_sources(args.scenes)]
            paths += scenes[:1] if args.tiny else scenes
        rows = compare(args, paths, truth)
    print(table(rows, [Path(path).stem for path in paths]))
    finish(
        f'scale {args.scale:g}, tiles of {args.tile} that share {args.overlap}, {args.batch} at a time',
        args,
        rows,
    )


if __name__ == '__main__':
    main()
