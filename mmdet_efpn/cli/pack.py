"""Put a detector into one file: weights, config, class names, training command and figures.

The optimiser's state is left out. The file is enough for `predict` and `test`; its config is read as
data, and never run. Command and figures are taken from the folder of the training, if they are there.

  mmdet-efpn pack CONFIG CHECKPOINT MODEL.pth

For example: mmdet-efpn pack my_efpn.py work_dirs/my_efpn/epoch_12.pth my_efpn.pth --half
"""

import argparse

from .options import add_cfg_options, add_overwrite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn pack``."""
    parser.add_argument('config', help='config file, or package::path')
    parser.add_argument('checkpoint', help='the trained weights')
    parser.add_argument('out', metavar='MODEL.pth', help='file to write')
    parser.add_argument(
        '--half',
        action='store_true',
        help='store weights as float16: half the size, nearly the same boxes',
    )
    parser.add_argument(
        '--use',
        choices=('ema', 'last', 'teacher', 'student'),
        help='which weights, where there are two sets',
    )
    parser.add_argument('--metrics', metavar='FILE.json', help='figures to note, as test writes them')
    add_cfg_options(parser, 'changes to the config, such as model.test_cfg.rcnn.score_thr=0.01')
    add_overwrite(parser, 'MODEL.pth')


def run(args: argparse.Namespace) -> None:
    """Packs the model and says what is in it."""
    from pathlib import Path

    from .. import engine
    from ..checkpoints import pack_model
    from ..visualization import classes_of_test_set

    cfg = engine.load_run_config(args.config, args.cfg_options)
    facts = engine.training_facts(args.checkpoint, args.metrics)
    packed = pack_model(
        cfg,
        args.checkpoint,
        args.out,
        classes=classes_of_test_set(cfg),
        half=args.half,
        use=args.use,
        command=facts.command,
        metrics=facts.metrics,
        overwrite=args.overwrite,
    )
    print(f'classes: {", ".join(packed.classes)}')
    print(f'trained by: {packed.command or "not known"}')
    figures = ', '.join(f'{key} {value:.4g}' for key, value in packed.metrics.items())
    print(f'figures: {figures or "none"}')
    print(f'written: {args.out}, {Path(args.out).stat().st_size / 1e6:.1f} MB')
