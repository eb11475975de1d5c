"""Draw the detections of a trained detector.

Without images: images of the config's test set, with the ground truth beside. A checkpoint that lacks
weights of the config's model is an error.
"""

import argparse

from .options import add_overwrite, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn draw``."""
    parser.add_argument('config', help='config file, or package::path')
    parser.add_argument('checkpoint', help='the trained weights')
    parser.add_argument(
        'images', nargs='*', help='image files and folders; default: images of the test set'
    )
    parser.add_argument(
        '--out', metavar='DIR', default='detections', help='folder to write to (default: %(default)s)'
    )
    parser.add_argument(
        '--num', type=positive, default=8, help='test images to draw (default: %(default)s)'
    )
    parser.add_argument(
        '--score-thr', type=float, default=0.3, help='lowest score to draw (default: %(default)s)'
    )
    parser.add_argument('--device', help='where to run (default: a GPU where there is one)')
    add_overwrite(parser, 'each picture')


parse = argparse.ArgumentParser.parse_intermixed_args  # images may follow options


def run(args: argparse.Namespace) -> None:
    """Draws the pictures."""
    from .. import visualization
    from ..checkpoints import require_checkpoint
    from ..utils.found_objects import limits_of_detections
    from ..utils.read_config import read_config

    cfg = read_config(args.config)
    require_checkpoint(args.checkpoint)
    images = visualization.find_images(args.images)
    model = visualization.load_detector(cfg, args.checkpoint, args.device)
    where = (args.out, args.score_thr)
    if images:
        pictures = visualization.draw_on_images(model, images, *where, overwrite=args.overwrite)
    else:
        dataset = visualization.build_test_set(cfg)
        pictures = visualization.draw_on_dataset(
            model, dataset, args.num, *where, overwrite=args.overwrite
        )
    for picture in pictures:
        print(f'{picture.path}: {picture.drawn} of {picture.found} detections drawn')
    for key, limit in limits_of_detections(cfg.model).items():
        full = sum(picture.found >= limit for picture in pictures)
        if full:
            print(f'{full} pictures are full: {key}={limit} may have cut detections off')
    print(f'written: {len(pictures)} pictures in {args.out}')
