"""Train a small detector on the built-in data set, in minutes.

Makes road scenes with small signs, trains an EFPN detector on them from random weights, evaluates it and
draws its detections. Exit code 1 if AP50 stays under --min-ap50.
"""

import argparse
from pathlib import Path

from .options import positive

CONFIG = 'mmdet_efpn::demo/faster-rcnn_r18_efpn_demo_synthetic-signs.py'
NUM_TRAIN, NUM_VAL, IMAGE_SIZE, SEED = 800, 100, 256, 0
NUM_PICTURES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn demo``."""
    parser.add_argument('--config', default=CONFIG, help='default: %(default)s')
    parser.add_argument(
        '--data-dir',
        type=Path,
        default=Path('data/synthetic_signs'),
        metavar='DIR',
        help='folder of the data set (default: %(default)s)',
    )
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs/demo'),
        metavar='DIR',
        help='folder for checkpoints, log and pictures (default: %(default)s)',
    )
    parser.add_argument(
        '--num-train', type=positive, default=NUM_TRAIN, help='training images (default: %(default)s)'
    )
    parser.add_argument(
        '--num-val', type=positive, default=NUM_VAL, help='validation images (default: %(default)s)'
    )
    parser.add_argument(
        '--min-ap50',
        type=float,
        default=0.60,
        help='AP50 below which the demo fails (default: %(default)s)',
    )


def run(args: argparse.Namespace) -> int:
    """Runs the demo; gives 1 if the detector has not learnt."""
    from mmdet.registry import DATASETS

    from ..datasets.synthetic import make_synthetic_signs
    from ..visualization import draw_on_dataset, load_detector

    print(
        f'1/4  data: {args.num_train} + {args.num_val} scenes with small signs in '
        f'{args.data_dir} (about half a minute)',
        flush=True,
    )
    make_synthetic_signs(args.data_dir, args.num_train, args.num_val, IMAGE_SIZE, SEED)
    cfg = _demo_config(args)
    print(
        f'2/4  training: {cfg.train_cfg.max_iters} iterations; each line below has an ETA '
        '(two CPU cores need under 10 minutes)',
        flush=True,
    )
    metrics, checkpoint, seconds = _train_and_evaluate(cfg)
    print('3/4  evaluated; 4/4  drawing detections beside the ground truth', flush=True)
    pictures = draw_on_dataset(
        load_detector(cfg, checkpoint),
        DATASETS.build(cfg.val_dataloader.dataset),
        NUM_PICTURES,
        args.work_dir / 'pictures',
        overwrite=True,
    )
    # MMDetection's own metric gives no figures where nothing is detected.
    ap, ap50, ap_small = (metrics.get(f'coco/bbox_mAP{end}', 0.0) for end in ('', '_50', '_s'))
    log = max(args.work_dir.glob('*/*.log'), key=lambda path: path.stat().st_mtime)
    print(
        f'\n| AP | AP50 | AP small | training |\n| --- | --- | --- | --- |\n'
        f'| {ap:.3f} | {ap50:.3f} | {ap_small:.3f} | {seconds / 60:.1f} min |\n\n'
        f'checkpoint  {checkpoint}\nlog         {log}\n'
        f'pictures    {pictures[0].path.parent}/*.png ({len(pictures)})',
        flush=True,
    )
    if ap50 >= args.min_ap50:
        return 0
    print(
        f'The demo failed: AP50 is {ap50:.3f}, and {args.min_ap50:.2f} shows that the detector has '
        f'learnt. See {log}.'
    )
    return 1


def _demo_config(args: argparse.Namespace):
    """The config with the paths of ``args``, evaluated after training alone."""
    from ..utils.read_config import read_config

    cfg = read_config(args.config)
    cfg.work_dir = str(args.work_dir)
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(args.data_dir)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.ann_file = str(args.data_dir / 'annotations' / 'val.json')
    cfg.train_cfg.val_interval = cfg.train_cfg.max_iters + 1
    return cfg


def _train_and_evaluate(cfg) -> tuple[dict, Path, float]:
    """Trains, or goes on where an interrupted run of the same config stopped, then evaluates.

    Returns:
        tuple[dict, Path, float]: COCO's figures, the checkpoint and the seconds of training.
    """
    import time

    from mmengine.runner import Runner

    work_dir = Path(cfg.work_dir)
    recorded, text = work_dir / 'demo_config.txt', cfg.pretty_text
    cfg.resume = recorded.is_file() and recorded.read_text() == text
    if not cfg.resume:
        work_dir.mkdir(parents=True, exist_ok=True)
        recorded.write_text(text)
        (work_dir / 'last_checkpoint').unlink(missing_ok=True)
    runner = Runner.from_cfg(cfg)
    start = time.perf_counter()
    runner.train()
    seconds = time.perf_counter() - start
    metrics = runner.val()
    return metrics, Path((work_dir / 'last_checkpoint').read_text().strip()), seconds
