"""Testing from the command line; ``tools/test.py`` calls :func:`main`."""

import argparse
import copy
import sys

import torch.distributed as dist
from mmdet.evaluation import DumpDetResults
from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from ..checkpoints import require_fitting_weights
from .launch import start_processes
from .run_options import (
    RunOptionError,
    add_run_arguments,
    load_run_config,
    require_annotations,
    require_checkpoint,
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; MMDetection's names and meanings."""
    parser = argparse.ArgumentParser(prog='test.py', description='Test a trained detector.')
    parser.add_argument('config', help='path of the config file')
    parser.add_argument('checkpoint', help='path or address of the trained weights')
    parser.add_argument('--out', metavar='FILE.pkl', help='write all predictions to this file')
    parser.add_argument('--show', action='store_true', help='show each picture in a window')
    parser.add_argument(
        '--show-dir', metavar='NAME', help='write each picture to WORK_DIR/TIMESTAMP/NAME'
    )
    parser.add_argument(
        '--wait-time',
        type=float,
        default=2,
        metavar='SECONDS',
        help='how long --show keeps a picture (default: 2)',
    )
    parser.add_argument(
        '--tta', action='store_true', help="test-time augmentation: the config's, else horizontal flip"
    )
    add_run_arguments(parser)
    args = parser.parse_args(argv)
    if args.out is not None and not args.out.endswith(('.pkl', '.pickle')):
        parser.error(f'--out must end in .pkl or .pickle, got {args.out}')
    return args


def draw_predictions(cfg: Config, show: bool, show_dir: str | None, wait_time: float) -> None:
    """Makes the test loop draw each image's boxes, into a window, into files, or both."""
    hook = cfg.setdefault('default_hooks', {}).setdefault('visualization', {})
    hook.setdefault('type', 'DetVisualizationHook')
    hook['draw'] = True
    if show:
        hook.update(show=True, wait_time=wait_time)
    if show_dir:
        hook['test_out_dir'] = show_dir


def augment_test(cfg: Config) -> None:
    """Switches on test-time augmentation.

    ``cfg.tta_model`` and ``cfg.tta_pipeline`` are used where the config has them; else each image
    is also tested flipped, and the boxes of both are merged by NMS at IoU 0.5, 100 per image.

    Raises:
        RunOptionError: The test pipeline doesn't end in ``PackDetInputs``, so the default can't be
            built.
    """
    dataset = cfg.test_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    tta_model = cfg.get('tta_model') or dict(
        type='DetTTAModel', tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100)
    )
    pipeline = cfg.get('tta_pipeline')
    if not pipeline:
        if dataset.pipeline[-1]['type'] != 'PackDetInputs':
            raise RunOptionError(
                '--tta: give the config a tta_pipeline; its test pipeline does not end in PackDetInputs'
            )
        pack = copy.deepcopy(dataset.pipeline[-1])
        seen = tuple(
            pack.get('meta_keys', ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'))
        )
        pack['meta_keys'] = seen + tuple(k for k in ('flip', 'flip_direction') if k not in seen)
        flips = [dict(type='RandomFlip', prob=probability) for probability in (0.0, 1.0)]
        pipeline = [
            *copy.deepcopy(dataset.pipeline[:-1]),
            dict(type='TestTimeAug', transforms=[flips, [pack]]),
        ]
    dataset.pipeline = pipeline
    cfg.model = dict(**tta_model, module=cfg.model)


def build_config(args: argparse.Namespace) -> Config:
    """The config of the test run that ``args`` ask for.

    Raises:
        RunOptionError: An option can't be used, or a file is missing.
    """
    cfg = load_run_config(args)
    require_checkpoint(args.checkpoint, 'checkpoint')
    cfg.load_from = args.checkpoint
    cfg.resume = False
    if args.show or args.show_dir:
        draw_predictions(cfg, args.show, args.show_dir, args.wait_time)
    if args.tta:
        augment_test(cfg)
    require_annotations(cfg, ('test',))
    return cfg


def main(argv: list[str] | None = None) -> None:
    """Tests as the command line says.

    A wrong option or a missing file ends it with one line on stderr and exit status 2.
    """
    args = parse_args(argv)
    try:
        cfg = build_config(args)
        start_processes(cfg, args.launcher)
    except (RunOptionError, ValueError) as error:
        print(f'test.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    try:
        require_fitting_weights(runner.model, args.checkpoint)
    except RunOptionError as error:
        print(f'test.py: error: {error}', file=sys.stderr)
        raise SystemExit(2) from None
    if args.out is not None:
        runner.test_evaluator.metrics.append(DumpDetResults(out_file_path=args.out))
    runner.test()
    if dist.is_initialized():
        dist.destroy_process_group()
