"""Pictures of detections: ``draw_detections.py CONFIG CHECKPOINT [IMAGE ...] --out DIR``."""

import argparse
import sys
from pathlib import Path

from mmdet.apis import init_detector
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.device import get_device

import mmdet_efpn  # noqa: F401  (registers the modules)
from mmdet_efpn.visualization.detections import draw_on_dataset, draw_on_images


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Draw detections, one PNG an image.')
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument(
        'images', nargs='*', help='image files; without any, images of the test set, ground truth beside'
    )
    parser.add_argument('--out', default='detections', help='folder (default: %(default)s)')
    parser.add_argument('--num', type=int, default=8, help='test images (default: %(default)s)')
    parser.add_argument('--score-thr', type=float, default=0.3, help='default: %(default)s')
    parser.add_argument('--device', default=None, help='default: a GPU where there is one')
    args = parser.parse_intermixed_args()
    for name in (args.config, args.checkpoint, *args.images):
        if not Path(name).is_file():
            parser.error(f'file not found: {name}')
    return args


def main() -> None:
    args = parse_args()
    cfg = Config.fromfile(args.config)
    model = init_detector(cfg, args.checkpoint, device=args.device or get_device())
    try:
        if args.images:
            pictures = draw_on_images(model, args.images, args.out, args.score_thr)
        else:
            dataset = DATASETS.build(cfg.test_dataloader.dataset)
            pictures = draw_on_dataset(model, dataset, args.num, args.out, args.score_thr)
    except (OSError, ValueError) as error:
        sys.exit(f'error: {error}')
    print(f'{len(pictures)} pictures in {args.out}')


if __name__ == '__main__':
    main()
