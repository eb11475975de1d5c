"""Write a detector for other runtimes: ONNX, torch.export or TorchScript.

Pictures in, boxes, scores and labels out, NMS inside; height, width and batch are dynamic. MODEL.pth is
what `mmdet-efpn pack` writes. The extra [export] has what ONNX needs.

  mmdet-efpn export MODEL.pth --out MODEL.onnx
  mmdet-efpn export CONFIG CHECKPOINT --format torch-export --out MODEL.pt2

For example: mmdet-efpn export my_efpn.py epoch_12.pth --normalise --out my_efpn.onnx
"""

import argparse

from .options import add_imports, add_overwrite

FORMATS = ('onnx', 'torch-export', 'torchscript')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn export``."""
    parser.usage = '%(prog)s MODEL.pth | CONFIG CHECKPOINT [options]'
    add = parser.add_argument
    add('model', help='a packed model, or config and checkpoint', metavar='MODEL')
    add('weights', nargs='?', metavar='CHECKPOINT', help='the checkpoint, after a config')
    add('--format', choices=FORMATS, default='onnx', help='what to write (default: %(default)s)')
    add(
        '--out',
        metavar='FILE',
        help="file to write, .onnx, .pt2 or .ts (default: the weights' name, in this folder)",
    )
    add(
        '--normalise',
        action='store_true',
        help='normalise inside: pictures then are BGR, 0 to 255 (default: normalised by the caller)',
    )
    add_imports(parser)
    add_overwrite(parser, 'FILE')


def run(args: argparse.Namespace) -> None:
    """Writes the file and says how it is used."""
    import importlib
    from pathlib import Path

    from ..export import SUFFIXES, export_model

    for module in args.imports:
        importlib.import_module(module)
    out = args.out or Path(args.weights or args.model).stem + SUFFIXES[args.format]
    facts = export_model(
        args.model,
        args.weights,
        out,
        form=args.format,
        normalise=args.normalise,
        overwrite=args.overwrite,
    )
    print(f'input: {facts["input"]}')
    print('outputs: boxes (n, 4), scores (n,), labels (n,), numbers of pictures (n,)')
    print(f'classes: {", ".join(facts["classes"])}')
    print(f'written: {out}, {Path(out).stat().st_size / 1e6:.1f} MB')
