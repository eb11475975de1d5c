"""Look at detections in the browser: drop a picture, zoom, move the score.

MODEL.pth is what `mmdet-efpn pack` writes. The page listens on this machine alone unless --host says
otherwise; it has no password, and loads nothing from the network. It needs the extra [app].

  mmdet-efpn app MODEL.pth
  mmdet-efpn app CONFIG CHECKPOINT

For example: mmdet-efpn app model.pth --score 0.4 --tile 1024
"""

import argparse

from ..utils.amp_types import AMP_TYPES
from .options import add_imports, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn app``."""
    add = parser.add_argument
    add('model', help='config, or a packed model alone', metavar='MODEL')
    add('checkpoint', nargs='?', help='its weights; not for a packed model')
    add('--host', default='127.0.0.1', help='address to listen on (default: %(default)s)')
    add('--port', type=int, default=7860, help='port; 0: a free one (default: %(default)s)')
    add('--max-mb', type=float, default=64, help='largest upload in megabytes (default: %(default)s)')
    add(
        '--max-pixels',
        type=positive,
        default=64_000_000,
        metavar='N',
        help='largest picture, width times height (default: %(default)s)',
    )
    add('--score', type=float, default=0.3, help='lowest score at first (default: %(default)s)')
    add('--tile', type=positive, metavar='PIXELS', help='begin with tiles of this side')
    add('--overlap', type=int, metavar='PIXELS', help='that tiles share (default: an eighth of --tile)')
    add('--batch', type=positive, default=1, metavar='N', help='tiles at a time (default: 1)')
    add('--device', help='where to run (default: a GPU where there is one)')
    add('--amp', choices=AMP_TYPES, help='run under autocast in this type')
    add_imports(parser)


def run(args: argparse.Namespace) -> int:
    """Serves the page until Ctrl-C."""
    import importlib
    from pathlib import Path

    from .. import app, inference
    from ..utils.errors import UserError
    from ..utils.optional_packages import import_optional

    import_optional('gradio', 'app', 'mmdet-efpn app')  # before the model is loaded
    for module in args.imports:
        importlib.import_module(module)
    if not 0 <= args.score <= 1:
        raise UserError(f'--score must be from 0 to 1, got {args.score}')
    tiles = None
    if args.tile is not None:
        overlap = args.tile // 8 if args.overlap is None else args.overlap
        tiles = inference.Tiles(args.tile, overlap)
    elif args.overlap is not None:
        raise UserError('--overlap is for tiles: name their side by --tile')
    limits = app.Limits(args.max_mb, args.max_pixels)
    predictor = inference.Predictor(
        args.model, args.checkpoint, args.device, show_progress=False, amp=args.amp
    )
    bench = app.Workbench(predictor, app.Shelf(limits), args.batch)
    app.serve(bench, args.host, args.port, args.score, tiles, Path(predictor.weights).name)
    return 0
