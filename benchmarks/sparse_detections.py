"""Times a trained detector on real images, with P2' whole and with P2' on the tiles that RoIs touch.

    python -m benchmarks.sparse_detections CONFIG CHECKPOINT IMAGE ... --sizes 2048x2048

Measured is the whole prediction for one
image. How many tiles are touched depends on where the trained RPN sees objects, so the same image is
measured with several numbers of proposals. That both forms find the same is asserted first.
"""

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import mmcv
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox2roi
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn

from mmdet_efpn.cli.options import add_sizes
from mmdet_efpn.evaluation.cost import compare, table
from mmdet_efpn.utils.read_config import read_config

from .common.arguments import add_measuring_arguments, add_options_argument, finish
from .sparse import set_sparse

FORMS = ('dense', 'sparse')


class DetectionSteps(nn.Module):
    """A detector's prediction on one batch of images."""

    def __init__(self, detector: nn.Module, samples: list) -> None:
        super().__init__()
        self.detector, self.samples = detector, samples

    def forward(self, images: torch.Tensor) -> list:
        """Predictions for images (B, 3, H, W)."""
        return self.detector(images, self.samples, mode='predict')

    @torch.no_grad()
    def small_proposals(self, images: torch.Tensor) -> int:
        """How many proposals are pooled from P2'."""
        detector = self.detector.eval()
        x = detector.extract_feat(images)
        boxes = detector.rpn_head.predict(x, self.samples, rescale=False)[0].bboxes
        extractor = detector.roi_head.bbox_roi_extractor
        return int(detector.roi_head.on_p2_prime(bbox2roi([boxes]), x, extractor).sum())


@dataclass(frozen=True)
class DetectionSubject:
    """One row: a trained detector with P2' in one of ``FORMS`` on an image, with so many proposals."""

    name: str
    config: str
    checkpoint: str
    image: str
    height: int
    width: int
    proposals: int
    form: str
    options: dict = field(default_factory=dict)

    def build(self) -> DetectionSteps:
        """The detector with its weights.

        Raises:
            ValueError: The weights do not fit the config.
        """
        cfg = self._config()
        detector = MODELS.build(cfg.model)
        try:
            load_checkpoint(detector, self.checkpoint, map_location='cpu', strict=True, logger='silent')
        except RuntimeError as error:
            raise ValueError(f'{self.checkpoint} does not fit {self.config}: {error}') from error
        return DetectionSteps(detector.eval(), self._batch(cfg)['data_samples'])

    def images(self, device: str) -> torch.Tensor:
        """The image in the row's size, normalised: (1, 3, H, W)."""
        return self._batch(self._config())['inputs'].to(device)

    def _config(self) -> Config:
        cfg = read_config(self.config)
        cfg.merge_from_dict({**self.options, 'model.test_cfg.rpn.max_per_img': self.proposals})
        set_sparse(cfg, self.form == 'sparse')
        cfg.model.test_cfg.rpn.nms_pre = max(self.proposals, cfg.model.test_cfg.rpn.nms_pre)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        return cfg

    def _batch(self, cfg: Config) -> dict:
        """The image, as large as fits into the row's size, and its sample."""
        picture = mmcv.imrescale(mmcv.imread(self.image), (self.height, self.width))
        size = picture.shape[:2]
        sample = DetDataSample(metainfo=dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0)))
        data = dict(inputs=[torch.from_numpy(picture).permute(2, 0, 1)], data_samples=[sample])
        return MODELS.build(cfg.model.data_preprocessor)(data, False)


def assert_same_detections(subjects: list[DetectionSubject], device: str) -> int:
    """Checks that subjects find the same; gives how many objects.

    Raises:
        AssertionError: Boxes, scores or classes differ.
    """
    found = []
    for subject in subjects:
        with torch.no_grad():
            (sample,) = subject.build().to(device)(subject.images(device))
        found.append(sample.pred_instances)
    for other in found[1:]:
        for key, tolerance in (('bboxes', 0.05), ('scores', 1e-3), ('labels', 0)):
            torch.testing.assert_close(
                other[key],
                found[0][key],
                rtol=0,
                atol=tolerance,
                msg=lambda text, key=key: f'dense and sparse differ in {key}: {text}',
            )
    return len(found[0])


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.sparse_detections',
        description="Time a trained detector on images, with P2' whole and on tiles.",
    )
    parser.add_argument('config', help='a two-stage detector with an extended level, RPN on P2..P6')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('images', nargs='+', metavar='IMAGE')
    add_sizes(parser, (2048, 2048), 'sizes that images are scaled into')
    parser.add_argument(
        '--proposals',
        nargs='+',
        type=int,
        default=[10, 100, 1000],
        metavar='N',
        help='numbers of proposals (default: 10 100 1000)',
    )
    add_measuring_arguments(parser, repeats=3)
    add_options_argument(parser)
    args = parser.parse_args(argv)
    if min(*args.proposals, args.repeats) < 1:
        parser.error('--proposals and --repeats must be at least 1')
    missing = [path for path in (args.checkpoint, *args.images) if not Path(path).is_file()]
    if missing:
        parser.error(f'not found: {", ".join(missing)} (looked from {Path.cwd()})')
    return args


def main(argv: list[str] | None = None) -> None:
    """Measures as the command line says and prints a Markdown table for each image and size."""
    args = parse_args(argv)
    results = []
    try:
        for image in args.images:
            for size in args.sizes:
                results += _measure(args, image, size)
    except ValueError as error:
        print(f'sparse_detections: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    finish('prediction for one image', args, results)


def _measure(args: argparse.Namespace, image: str, size: tuple[int, int]) -> list[dict]:
    results = []
    for number in args.proposals:
        pair = [
            DetectionSubject(
                f'{number} proposals, {form}',
                args.config,
                args.checkpoint,
                image,
                *size,
                number,
                form,
                args.cfg_options,
            )
            for form in FORMS
        ]
        objects = assert_same_detections(pair, args.device)
        small = pair[0].build().to(args.device).small_proposals(pair[0].images(args.device))
        rows = compare(pair, args.device, args.repeats, passes=('forward',), amp=args.amp)
        print(
            f'\n{Path(image).name}, at most {number} proposals: {small} under 56 px; {objects} '
            f'detections, the same in both forms\n\n{table(rows)}',
            flush=True,
        )
        results += [dict(row, image=image, small_proposals=small, detections=objects) for row in rows]
    return results


if __name__ == '__main__':
    main()
