"""Compares an :class:`RHAG` with the plain form of the same formulas, on equal weights.

    python -m benchmarks.attention --sizes 112x176 208x336

For each device, type and size it first
asserts that both give the same output and the same gradients, then measures both in turn, as
``cost.py`` measures detectors. Last comes the group alone at sizes that double from row to row.
"""

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from mmdet_efpn.cli.options import image_size
from mmdet_efpn.evaluation.cost import compare, table
from mmdet_efpn.models.layers import RHAG
from mmdet_efpn.utils.atomic_file import write_text_atomically

from .attention_plain import PlainRHAG

GROUP = dict(embed_dims=180, depth=2, num_heads=6, window_size=16)
# Largest difference allowed, relative to the largest number of each tensor.
TOLERANCES = dict(float32=1e-4, bfloat16=5e-2)
# How many times less time or memory than the plain form the layers are meant to take.
AIMS = {
    ('cpu', 'float32'): dict(
        forward_seconds=1.5, forward_backward_seconds=1.3, forward_bytes=3.0, forward_backward_bytes=2.0
    ),
    ('cuda', 'bfloat16'): dict(
        forward_seconds=3.0, forward_backward_seconds=3.0, forward_bytes=3.0, forward_backward_bytes=3.0
    ),
}


class GroupSteps(nn.Module):
    """A group on maps; bfloat16 is autocast. The training step reaches the group's input too."""

    def __init__(self, group: nn.Module, dtype: str) -> None:
        super().__init__()
        self.group = group
        self.dtype = getattr(torch, dtype)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The group's map of (B, C, H, W), in its type."""
        with torch.autocast(maps.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.group(maps)

    def loss(self, maps: torch.Tensor) -> torch.Tensor:
        """A loss that reaches every weight and the input."""
        maps = maps if maps.requires_grad else maps.detach().requires_grad_()
        return self(maps).float().square().mean()


@dataclass(frozen=True)
class GroupSubject:
    """One row: a group, plain or not, at an input size; measured like a ``subject.Subject``."""

    name: str
    height: int
    width: int
    plain: bool = False
    dtype: str = 'float32'
    group: dict = field(default_factory=lambda: dict(GROUP))
    config: str = 'RHAG'

    def build(self) -> GroupSteps:
        """Builds the group with random weights, the same every time."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            group = RHAG(**self.group)
            for name, parameter in group.named_parameters():
                if name.endswith('relative_position_bias_table'):
                    nn.init.normal_(parameter)  # at its start it hardly counts
        return GroupSteps(PlainRHAG(group) if self.plain else group, self.dtype)

    def images(self, device: str) -> torch.Tensor:
        """A random map, the same every time: (1, C, height, width)."""
        generator = torch.Generator().manual_seed(0)
        shape = (1, self.group['embed_dims'], self.height, self.width)
        return torch.randn(shape, generator=generator).to(device)


def assert_equal(subjects: tuple[GroupSubject, GroupSubject], device: str) -> None:
    """Checks that two subjects give the same output and the same gradients.

    Raises:
        AssertionError: A tensor differs by more than ``TOLERANCES``.
    """
    results = []
    for subject in subjects:
        model, maps = subject.build().to(device), subject.images(device)
        with torch.no_grad():
            result = dict(output=model.eval()(maps))
        model.train().loss(maps.requires_grad_()).backward()
        result['input'] = maps.grad
        for name, parameter in model.named_parameters():
            result[name.removeprefix('group.group.').removeprefix('group.')] = parameter.grad
        results.append(result)
    first, second = results
    if first.keys() != second.keys():
        raise AssertionError(f'different parameters: {sorted(first.keys() ^ second.keys())}')
    tolerance = TOLERANCES[subjects[0].dtype]
    for name, value in first.items():
        largest, difference = value.abs().max(), (value - second[name]).abs().max()
        if not difference <= tolerance * largest:
            raise AssertionError(
                f'{subjects[0].name} and {subjects[1].name} differ in {name} by '
                f'{difference:.1e}, more than {tolerance:.0e} of {largest:.1e}'
            )


def gains(rows: list, device: str, dtype: str) -> str:
    """One line: how many times less the second row takes than the first, and the aims if any."""
    aims = AIMS.get((torch.device(device).type, dtype), {})
    parts = []
    for key in (
        'forward_seconds',
        'forward_backward_seconds',
        'forward_bytes',
        'forward_backward_bytes',
    ):
        plain, ours = rows[0][key], rows[1][key]
        gain = f'{plain / ours:.2f}' if plain and ours else 'n/a'
        parts.append(f'{key} {gain}' + (f' (aim {aims[key]:g})' if key in aims else ''))
    return 'plain over RHAG: ' + ', '.join(parts)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    gpu = torch.cuda.is_available()
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.attention',
        description='Compare a hybrid attention group with its plain form: time and peak memory.',
    )
    parser.add_argument(
        '--sizes',
        nargs='*',
        type=image_size,
        metavar='HxW',
        default=[(112, 176), (208, 336)],
        help='maps, whole windows in both directions (default: 112x176 208x336)',
    )
    parser.add_argument(
        '--scaling',
        nargs='*',
        type=image_size,
        metavar='HxW',
        default=[(64, 96), (96, 128), (128, 192), (192, 256)],
        help='sizes for the group alone (default: 64x96 96x128 128x192 192x256)',
    )
    parser.add_argument(
        '--devices',
        nargs='+',
        default=['cpu', 'cuda'] if gpu else ['cpu'],
        help='default: the CPU, and a GPU where there is one',
    )
    parser.add_argument('--repeats', type=int, default=5, help='timed rounds (default: 5)')
    for name, value in GROUP.items():
        parser.add_argument(
            f'--{name.replace("_", "-")}',
            type=int,
            default=value,
            help='of the group (default: %(default)s)',
        )
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the figures here')
    args = parser.parse_args(argv)
    if args.repeats < 1:
        parser.error('--repeats must be at least 1')
    for height, width in args.sizes:
        if height % args.window_size or width % args.window_size:
            parser.error(
                f'--sizes: the plain form takes whole windows of {args.window_size}, '
                f'not {height}x{width}'
            )
    return args


def main(argv: list[str] | None = None) -> None:
    """Measures as the command line says and prints Markdown tables."""
    args = parse_args(argv)
    group = {name: getattr(args, name) for name in GROUP}
    print(f'RHAG of {group}, torch {torch.__version__}, medians of {args.repeats}')
    results = []
    for device in args.devices:
        on_gpu = torch.device(device).type == 'cuda'
        hardware = torch.cuda.get_device_name(device) if on_gpu else f'{torch.get_num_threads()} threads'
        for dtype in ('float32', 'bfloat16') if on_gpu else ('float32',):
            comparisons = [
                [
                    GroupSubject('plain', *size, True, dtype, group),
                    GroupSubject('RHAG', *size, False, dtype, group),
                ]
                for size in args.sizes
            ]
            pixels = [height * width for height, width in args.scaling]
            scaling = [
                GroupSubject(f'RHAG, {number / pixels[0]:.2f}x cells', *size, False, dtype, group)
                for size, number in zip(args.scaling, pixels, strict=True)
            ]
            for subjects in comparisons:
                assert_equal(subjects, device)
            for subjects in filter(None, [*comparisons, scaling]):
                rows = compare(subjects, device, args.repeats)
                print(f'\n{device} ({hardware}), {dtype}\n\n{table(rows)}')
                if subjects is not scaling:
                    print(gains(rows, device, dtype))
                results.append(dict(device=device, hardware=hardware, dtype=dtype, rows=rows))
    if args.json is not None:
        write_text_atomically(
            args.json,
            json.dumps(
                dict(group=group, torch=torch.__version__, repeats=args.repeats, results=results),
                indent=2,
            )
            + '\n',
        )


if __name__ == '__main__':
    main()
