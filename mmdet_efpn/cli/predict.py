"""Find objects in pictures, folders, videos and huge scenes.

PICTURES are files, folders, patterns ('boards/**/*.jpg'), text files with a path on each line (.txt),
and videos. MODEL.pth is what `mmdet-efpn pack` writes. --model takes one that comes with the package
(hit-uav, deeppcb), or a packed model's path or address, with #sha256=HEX to check it; without PICTURES
it shows what it does on its own examples. Exit code 1: pictures could not be read; they are named, and
all others are done.

  mmdet-efpn predict CONFIG CHECKPOINT PICTURES ... [--out DIR]
  mmdet-efpn predict MODEL.pth PICTURES ... [--out DIR]
  mmdet-efpn predict --model NAME PICTURES ... [--out DIR]

For example: mmdet-efpn predict my_efpn.py epoch_12.pth boards/ --out found --format coco csv pictures
"""

import argparse

from ..utils.amp_types import AMP_TYPES
from .options import LAUNCHERS, add_imports, add_overwrite, positive

FORMATS = ('coco', 'csv', 'geojson', 'labelme', 'pictures', 'yolo')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn predict``."""
    parser.usage = '%(prog)s CONFIG CHECKPOINT PICTURES ... [options]'
    parser.add_argument(
        'inputs',
        nargs='*',
        metavar='MODEL PICTURES',
        help='config and checkpoint, or a packed model alone; then what to predict on',
    )
    add = parser.add_argument
    add('--model', metavar='NAME', help="instead of MODEL: a trained detector's name, path or address")
    add('--out', metavar='DIR', default='predictions', help='folder to write to (default: %(default)s)')
    add(
        '--format',
        nargs='+',
        choices=FORMATS,
        default=['coco', 'pictures'],
        metavar='NAME',
        help=f'what to write, of {", ".join(FORMATS)} (default: coco pictures)',
    )
    add('--score', type=float, default=0.3, help='lowest score to keep (default: %(default)s)')
    add('--classes', nargs='+', metavar='NAME', default=[], help='classes to keep (default: all)')
    add(
        '--batch', type=positive, default=1, metavar='N', help='pictures or tiles at a time (default: 1)'
    )
    add('--workers', type=int, default=2, metavar='N', help='threads that read ahead (default: 2)')
    add('--device', help='where to run (default: a GPU where there is one)')
    add('--amp', choices=AMP_TYPES, help='run under autocast in this type')
    add('--tta', action='store_true', help='test-time augmentation, as in test')
    add('--every', type=positive, default=1, metavar='N', help='every Nth frame of videos (default: 1)')
    add('--tile', type=positive, metavar='PIXELS', help='cut pictures into tiles of this side')
    add('--overlap', type=int, metavar='PIXELS', help='that tiles share (default: an eighth of --tile)')
    add('--merge', choices=('nms', 'sahi'), default='nms', help='how tiles are merged (default: nms)')
    add_overwrite(parser, 'each output')
    add('--resume', action='store_true', help='go on with a prediction that was interrupted')
    add_imports(parser)
    add(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='how several processes are started, each with a share (torchrun is noticed)',
    )
    add('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


parse = argparse.ArgumentParser.parse_intermixed_args  # pictures may follow options


def run(args: argparse.Namespace) -> int:
    """Predicts as the arguments say."""
    import importlib
    import sys

    from .. import inference
    from ..utils.errors import UserError

    for module in args.imports:
        importlib.import_module(module)
    model, weights, pictures = _split(args.model, args.inputs)
    tiles = None
    if args.tile is not None:
        overlap = args.tile // 8 if args.overlap is None else args.overlap
        tiles = inference.Tiles(args.tile, overlap, args.merge)
    elif args.overlap is not None or args.merge != 'nms':
        raise UserError('--overlap and --merge are for tiles: name their side by --tile')
    job = inference.Job(
        out_dir=args.out,
        formats=args.format,
        score=args.score,
        classes=args.classes,
        batch_size=args.batch,
        workers=args.workers,
        every=args.every,
        tiles=tiles,
        overwrite=args.overwrite,
        resume=args.resume,
    )
    sources = inference.find_sources(pictures)
    place = inference.start_shares(args.launcher)
    try:
        device = inference.device_of(place, args.device)
        predictor = inference.Predictor(model, weights, device, amp=args.amp, tta=args.tta)
        summary = inference.predict_to_folder(predictor, sources, job, place)
    except KeyboardInterrupt:
        print(f'interrupted: {args.out} has what was done; --resume goes on', file=sys.stderr)
        return 130
    except UserError:
        if place.rank == 0:
            raise
        return 2  # the first process says it
    finally:
        inference.end_shares()
    return 0 if summary is None else _tell(summary, args.tile)


def _split(name: str | None, words: list[str]) -> tuple[str, str | None, list[str]]:
    """The model, its checkpoint unless one file holds both, and the pictures."""
    from ..checkpoints import is_packed_name
    from ..model_zoo import resolve_model, zoo_models
    from ..utils.errors import UserError

    if name is not None:
        file = resolve_model(name, only=True)
        if not words and (known := zoo_models().get(name)):
            print(f'no pictures are named: predicting on the examples in {known.examples}')
            words = [str(known.examples)]
        if not words:
            raise UserError(f'name the pictures that {name} is to predict on')
        return file, None, words
    if not words:
        raise UserError('name a model and pictures, or --model NAME; --help tells more')
    model, weights, pictures = resolve_model(words[0]), None, words[1:]
    if not pictures:
        raise UserError(f'name the pictures, after the model {words[0]}')
    if not is_packed_name(model):
        weights, pictures = pictures[0], pictures[1:]
        if not pictures:
            raise UserError(f'name the pictures, after the checkpoint {weights}')
    return model, weights, pictures


def _tell(summary, tile: int | None) -> int:
    """Prints what was done; gives the exit code."""
    import sys

    if summary.resumed:
        print(f'resumed: {summary.resumed} pictures were done before')
    if abs(summary.tile_scale - 1) > 0.01:
        print(
            f'note: the test pipeline resizes each tile by {summary.tile_scale:.2f}, from {tile} pixels '
            f'to {tile * summary.tile_scale:.0f}'
        )
    print(f'{summary.objects} objects in {summary.pictures} pictures')
    for path in summary.written:
        print(f'written: {path}')
    for one in summary.unreadable:
        print(f'not read: {one.item.path} ({one.reason})', file=sys.stderr)
    if summary.unreadable:
        print(f'{len(summary.unreadable)} could not be read', file=sys.stderr)
    return 1 if summary.unreadable else 0
