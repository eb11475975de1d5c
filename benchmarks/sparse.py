"""Compares P2' computed whole with P2' computed on the tiles that RoIs touch, and on RoIs alone.

    python -m benchmarks.sparse CONFIG --sizes 2048x2048 --rois 10 100 1000

Measured are backbone, neck and the pooling of
small RoIs from P2', for one image of random pixels; the RoIs lie anywhere in it. Whole and on tiles the
pooled values are the same; on RoIs alone (``extension_cfg.on_rois``) it is another function of the same
cost in weights.
"""

import argparse
from dataclasses import dataclass, field

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_efpn.cli.options import add_sizes
from mmdet_efpn.evaluation.cost import compare, table
from mmdet_efpn.models.necks.on_demand import DeferredLevel, RoILevel
from mmdet_efpn.utils.read_config import read_config

from .common.arguments import add_measuring_arguments, add_options_argument, finish

FORMS = ('dense', 'sparse', 'pooled first')  # whole, on tiles, after pooling
SMALLEST, LARGEST = 8, 56  # sides of the RoIs in pixels


class SmallRoISteps(nn.Module):
    """A config's backbone and neck, and its RoI extractor's pooling of small RoIs from P2'."""

    def __init__(self, model_cfg: dict, rois: torch.Tensor) -> None:
        super().__init__()
        self.backbone = MODELS.build(model_cfg['backbone'])
        self.neck = MODELS.build(model_cfg['neck'])
        self.roi_align = MODELS.build(model_cfg['roi_head']['bbox_roi_extractor']).roi_layers[0]
        self.register_buffer('rois', rois)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features of the RoIs, pooled from P2' of images (B, 3, H, W)."""
        level = self.neck(self.backbone(images))[0]
        if isinstance(level, RoILevel):
            return level.pooled(self.rois, self.roi_align)
        if isinstance(level, DeferredLevel):
            level = level.around(self.rois)
        return self.roi_align(level, self.rois)


@dataclass(frozen=True)
class SparseSubject:
    """One row: a config with P2' in one of ``FORMS``, at an input size, with a number of small RoIs."""

    name: str
    config: str
    height: int
    width: int
    rois: int
    form: str
    options: dict = field(default_factory=dict)

    def build(self) -> SmallRoISteps:
        """Builds the steps with random weights, the same every time; nothing is downloaded."""
        cfg = read_config(self.config)
        cfg.merge_from_dict(
            {**self.options, 'model.neck.extension_cfg.on_rois': self.form == 'pooled first'}
        )
        set_sparse(cfg, self.form == 'sparse')
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return SmallRoISteps(cfg.model, self.boxes())

    def boxes(self) -> torch.Tensor:
        """RoIs anywhere in the image, (n, 5), the same every time."""
        generator = torch.Generator().manual_seed(0)
        side = SMALLEST + (LARGEST - SMALLEST) * torch.rand(self.rois, 1, generator=generator)
        corner = torch.rand(self.rois, 2, generator=generator) * (
            torch.tensor([self.width, self.height]) - side
        )
        return torch.cat((torch.zeros_like(side), corner, corner + side), dim=1)

    def images(self, device: str) -> torch.Tensor:
        """A random image, the same every time: (1, 3, height, width)."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn((1, 3, self.height, self.width), generator=generator).to(device)


def set_sparse(cfg: Config, sparse: bool) -> None:
    """Switches sparse mode on or off, in place; C2' is deferred too where the backbone can."""
    cfg.model.neck.sparse = sparse
    if cfg.model.backbone.type in ('ExtendedResNet', 'ExtendedResNeXt'):
        cfg.model.backbone.defer_c2_prime = sparse


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.sparse',
        description="Compare P2' computed whole with P2' computed where RoIs need it.",
    )
    parser.add_argument('config', metavar='CONFIG', help='a two-stage detector with EFPN')
    add_sizes(parser, (2048, 2048), 'input sizes')
    parser.add_argument(
        '--rois',
        nargs='+',
        type=int,
        default=[1, 10, 30, 100, 300, 1000],
        metavar='N',
        help='numbers of small RoIs (default: 1 10 30 100 300 1000)',
    )
    add_measuring_arguments(parser)
    add_options_argument(parser)
    args = parser.parse_args(argv)
    if min(*args.rois, args.repeats) < 1:
        parser.error('--rois and --repeats must be at least 1')
    return args


def main(argv: list[str] | None = None) -> None:
    """Measures as the command line says and prints a Markdown table for each size."""
    args = parse_args(argv)
    results = []
    for height, width in args.sizes:
        subjects = [
            SparseSubject(
                f'{number} RoIs, {form}', args.config, height, width, number, form, args.cfg_options
            )
            for form in FORMS
            for number in (args.rois if form != 'dense' else [max(args.rois)])
        ]
        rows = compare(subjects, args.device, args.repeats, passes=('forward',), amp=args.amp)
        print(f'\n{table(rows)}')
        results += rows
    finish("backbone, neck and pooling from P2'", args, results)


if __name__ == '__main__':
    main()
