"""Table and picture of how near P2' comes to its teacher: ``python -m benchmarks.distillation_gap``."""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.device import get_device
from mmengine.registry import init_default_scope
from mmengine.runner import load_checkpoint
from torch import nn
from torch.utils.data import DataLoader, Subset

from mmdet_efpn.visualization import BACKGROUND, FONT, evenly_spread, grid

from .common.arguments import add_options_argument
from .common.feature_pictures import feature_colours
from .common.gap import distillation_gap, three_views

PANEL_WIDTH = 480


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.distillation_gap',
        description='How near the extended level comes to its teacher on validation images.',
    )
    parser.add_argument('config', help='config of a CrossResolutionDistiller')
    parser.add_argument('checkpoints', nargs='+', help='weights to judge, in the order of the table')
    parser.add_argument(
        '--images',
        type=int,
        default=50,
        metavar='N',
        help='validation images, evenly spread (default: %(default)s)',
    )
    parser.add_argument('--batch-size', type=int, default=4, help='default: %(default)s')
    parser.add_argument('--picture', metavar='PNG', help='draw the maps of the last checkpoint')
    parser.add_argument(
        '--pictured',
        type=int,
        default=3,
        metavar='N',
        help='images in the picture (default: %(default)s)',
    )
    add_options_argument(parser)
    args = parser.parse_args(argv)
    for name in (args.config, *args.checkpoints):
        if not Path(name).is_file():
            parser.error(f'file not found: {name}')
    return args


def annotated_dataset(cfg: Config):
    """The validation set with its boxes in the pixels of the network's input.

    MMDetection's test pipelines read the annotations after resizing, in the original image's pixels;
    here they are read before.
    """
    dataset = cfg.val_dataloader.dataset.copy()
    steps = [step for step in dataset.pipeline if step['type'] != 'LoadAnnotations']
    steps.insert(1, dict(type='LoadAnnotations', with_bbox=True))
    dataset.pipeline = steps
    return DATASETS.build(dataset)


def load_distiller(cfg: Config, checkpoint: str) -> nn.Module:
    """A new distiller with the checkpoint's weights; what it does not hold starts alike for each."""
    torch.manual_seed(0)
    distiller = MODELS.build(cfg.model)
    distiller.init_weights()
    load_checkpoint(distiller, checkpoint, map_location='cpu')
    return distiller.to(get_device())


def table(gaps: dict[str, dict]) -> str:
    """The gaps of each checkpoint, as Markdown."""
    lines = [
        '| checkpoint | level | on objects | beside | all cells | mean of the teacher |',
        '| --- | --- | --- | --- | --- | --- |',
    ]
    for checkpoint, levels in gaps.items():
        for level, parts in levels.items():
            figures = ' | '.join(
                f'{parts[part]:.4f}' for part in ('foreground', 'background', 'all', 'teacher')
            )
            lines.append(f'| {checkpoint} | {level} | {figures} |')
    return '\n'.join(lines)


def draw(distiller, dataset, indices: list[int]) -> np.ndarray:
    """One row for each image: the image, then its three maps in the teacher's colours."""
    panels = []
    for index in indices:
        data = distiller.data_preprocessor(pseudo_collate([dataset[index]]), False)
        height, width = data['data_samples'][0].img_shape
        views = three_views(distiller, data['inputs'][..., :height, :width])
        size = round(height * PANEL_WIDTH / width), PANEL_WIDTH
        image = cv2.imread(data['data_samples'][0].img_path)[..., ::-1]
        image = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        panels += [captioned(image, 'image')]
        panels += [
            captioned(picture, caption)
            for caption, picture in zip(
                views, feature_colours(list(views.values()), size=size), strict=True
            )
        ]
    return grid(panels, columns=4)


def captioned(picture: np.ndarray, caption: str) -> np.ndarray:
    """The picture with a caption under it."""
    strip = np.full((24, picture.shape[1], 3), BACKGROUND, np.uint8)
    cv2.putText(strip, caption, (2, 17), FONT, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return np.vstack((picture, strip))


def main(argv: list[str] | None = None) -> None:
    """Prints the table and writes the picture, if one is asked for."""
    args = parse_args(argv)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    if cfg.model.type != 'CrossResolutionDistiller':
        sys.exit(f'error: {args.config} trains a {cfg.model.type}, not a CrossResolutionDistiller')
    dataset = annotated_dataset(cfg)
    chosen = Subset(dataset, evenly_spread(len(dataset), args.images))
    gaps = {}
    for checkpoint in args.checkpoints:
        distiller = load_distiller(cfg, checkpoint)
        gaps[checkpoint] = distillation_gap(
            distiller, DataLoader(chosen, args.batch_size, collate_fn=pseudo_collate)
        )
    print(f'Mean absolute difference over {len(chosen)} images of the validation set')
    print(table(gaps), flush=True)
    if args.picture:
        picture = draw(distiller, dataset, evenly_spread(len(dataset), args.pictured))
        Path(args.picture).parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(args.picture, picture[..., ::-1]):
            sys.exit(f'error: {args.picture} could not be written')
        print(f'{args.picture}: {picture.shape[1]}x{picture.shape[0]} pixels')


if __name__ == '__main__':
    main()
