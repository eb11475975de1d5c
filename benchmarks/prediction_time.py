"""Times trained detectors on images of their test sets, image by image in turn.

    python -m benchmarks.prediction_time FPN.py=FPN.pth EFPN.py=EFPN.pth --images 50

Measured is the whole prediction for an image
that is read and scaled already: normalisation, network, NMS, boxes in the image's own pixels. Random
weights would not do: they give another number of proposals.
"""

import argparse
import statistics
import sys
from pathlib import Path

import torch
from mmengine.dataset import pseudo_collate

from mmdet_efpn.checkpoints import require_checkpoint
from mmdet_efpn.evaluation.cost import autocast, prepare, progress, timed
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.found_objects import found_objects
from mmdet_efpn.utils.read_config import read_config
from mmdet_efpn.visualization import build_test_set, evenly_spread, load_detector

from .common.arguments import add_measuring_arguments, add_options_argument, finish


class TimedDetector:
    """A trained detector and the images it is timed on.

    Args:
        config (str): Its config; the images are those of its ``test_dataloader``.
        checkpoint (str): Its weights.
        images (int): How many images, evenly spread over the test set.
        device (str): Where it runs.
        amp (str, optional): Type of autocast; none without.
        options (dict): Changes to the config.

    Raises:
        UserError: There is no such checkpoint, or it lacks weights of the config's model.
    """

    def __init__(
        self,
        config: str,
        checkpoint: str,
        images: int,
        device: str = 'cpu',
        amp: str | None = None,
        options: dict | None = None,
    ) -> None:
        cfg = read_config(config)
        cfg.merge_from_dict(options or {})
        self.name = f'{Path(config).stem} ({Path(checkpoint).stem})'
        self.device, self.amp = torch.device(device), amp
        require_checkpoint(checkpoint, config)
        model = load_detector(cfg, checkpoint, device)
        self.model = prepare(model, device, amp)
        dataset = build_test_set(cfg)
        self.batches = [
            pseudo_collate([dataset[index]]) for index in evenly_spread(len(dataset), images)
        ]
        self.images = [batch['data_samples'][0].img_path for batch in self.batches]

    @torch.no_grad()
    def predict(self, index: int) -> tuple[float, int]:
        """Seconds for one of the images, and how many objects were found in it."""
        found = []
        with autocast(self.device, self.amp):
            seconds = timed(lambda: found.extend(self.model.test_step(self.batches[index])), self.device)
        return seconds, len(found_objects(found[0]))


def compare(detectors: list[TimedDetector], repeats: int) -> list[dict]:
    """Predicts each image with every detector in turn; a first image warms up and does not count.

    Returns:
        list[dict]: For each detector ``name``, ``images``, ``seconds`` (median over images and rounds),
        ``slowest_seconds`` and ``detections`` (mean over images).

    Raises:
        ValueError: The detectors' test images are not the same.
    """
    total = len(detectors[0].images)
    for detector in detectors:
        if detector.images != detectors[0].images:
            raise ValueError(
                f'{detector.name} has other test images than {detectors[0].name}, such as '
                f'{detector.images[0]} and {detectors[0].images[0]}; compare detectors of one test set'
            )
    for detector in detectors:
        detector.predict(0)
    taken = [[] for _ in detectors]
    for turn in range(repeats):
        for index in range(total):
            progress(f'round {turn + 1} of {repeats}, image {index + 1} of {total}')
            for measured, detector in zip(taken, detectors, strict=True):
                measured.append(detector.predict(index))
    rows = []
    for measured, detector in zip(taken, detectors, strict=True):
        seconds, found = zip(*measured, strict=True)
        rows.append(
            dict(
                name=detector.name,
                images=total,
                seconds=statistics.median(seconds),
                slowest_seconds=max(seconds),
                detections=statistics.mean(found),
            )
        )
    return rows


def table(rows: list[dict]) -> str:
    """The figures as Markdown, each time with its ratio to the first row's."""
    lines = [
        '| config | an image (ms) | slowest (ms) | detections an image |',
        '| --- | --- | --- | --- |',
    ]
    lines += [
        f'| {row["name"]} | {1e3 * row["seconds"]:.0f} ({row["seconds"] / rows[0]["seconds"]:.2f}x) '
        f'| {1e3 * row["slowest_seconds"]:.0f} | {row["detections"]:.1f} |'
        for row in rows
    ]
    return '\n'.join(lines)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.prediction_time',
        description='Time trained detectors on images of their test sets, in turn.',
    )
    parser.add_argument('detectors', nargs='+', metavar='CONFIG=CHECKPOINT')
    parser.add_argument(
        '--images',
        type=int,
        default=50,
        metavar='N',
        help='images, evenly spread over the test set (default: %(default)s)',
    )
    add_measuring_arguments(parser, repeats=1)
    add_options_argument(parser)
    args = parser.parse_args(argv)
    if min(args.images, args.repeats) < 1:
        parser.error('--images and --repeats must be at least 1')
    for pair in args.detectors:
        if not all(pair.partition('=')):
            parser.error(f'{pair} is not CONFIG=CHECKPOINT, such as fpn.py=work_dirs/fpn/iter_1500.pth')
    return args


def main(argv: list[str] | None = None) -> None:
    """Measures as the command line says and prints a Markdown table."""
    args = parse_args(argv)
    try:
        detectors = [
            TimedDetector(*pair.split('=', 1), args.images, args.device, args.amp, args.cfg_options)
            for pair in args.detectors
        ]
        rows = compare(detectors, args.repeats)
    except (UserError, OSError) as error:
        print(f'prediction_time: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    print(table(rows))
    finish(f'prediction for one image, {rows[0]["images"]} images of the test set', args, rows)


if __name__ == '__main__':
    main()
