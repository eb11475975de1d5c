"""The main job on the built-in data set, from nothing to a table; ``tools/demo.py`` calls it."""

import argparse
import time
from pathlib import Path

from mmdet.apis import init_detector
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.runner import Runner

from ..datasets.synthetic.dataset import make_synthetic_signs
from ..visualization.detections import draw_on_dataset

NUM_TRAIN, NUM_VAL, IMAGE_SIZE, SEED = 800, 100, 256, 0
NUM_PICTURES = 8


def parse_args(config: Path, argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; the defaults are the demo's."""
    parser = argparse.ArgumentParser(
        prog='demo.py',
        description='Make a data set, train an EFPN detector on it, evaluate it, draw detections.',
    )
    parser.add_argument('--config', type=Path, default=config, help='default: %(default)s')
    parser.add_argument(
        '--data-dir', type=Path, default=Path('data/synthetic_signs'), help='default: %(default)s'
    )
    parser.add_argument(
        '--work-dir', type=Path, default=Path('work_dirs/demo'), help='default: %(default)s'
    )
    parser.add_argument('--num-train', type=int, default=NUM_TRAIN, help='default: %(default)s')
    parser.add_argument('--num-val', type=int, default=NUM_VAL, help='default: %(default)s')
    parser.add_argument(
        '--min-ap50',
        type=float,
        default=0.60,
        help='AP50 below which the demo fails (default: %(default)s)',
    )
    return parser.parse_args(argv)


def demo_config(args: argparse.Namespace) -> Config:
    """The config file with the paths of ``args``, evaluated after training alone."""
    cfg = Config.fromfile(args.config)
    cfg.work_dir = str(args.work_dir)
    for split in ('train', 'val', 'test'):
        cfg[f'{split}_dataloader'].dataset.data_root = str(args.data_dir)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.ann_file = str(args.data_dir / 'annotations' / 'val.json')
    cfg.train_cfg.val_interval = cfg.train_cfg.max_iters + 1
    return cfg


def train_and_evaluate(cfg: Config) -> tuple[dict, Path, float]:
    """Trains, or goes on where an interrupted run of the same config stopped, then evaluates.

    Returns:
        tuple[dict, Path, float]: COCO's figures, the checkpoint and the seconds of training.
    """
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


def main(config: Path, argv: list[str] | None = None) -> None:
    """Runs the demo.

    Ends with exit status 1 if the detector has not learnt: AP50 under ``--min-ap50``.
    """
    args = parse_args(config, argv)
    print(
        f'1/4  data: {args.num_train} + {args.num_val} scenes with small signs in '
        f'{args.data_dir} (about half a minute)',
        flush=True,
    )
    try:
        make_synthetic_signs(args.data_dir, args.num_train, args.num_val, IMAGE_SIZE, SEED)
    except (OSError, ValueError) as error:
        raise SystemExit(f'demo.py: error: {error}') from None
    cfg = demo_config(args)
    print(
        f'2/4  training: {cfg.train_cfg.max_iters} iterations; each line below has an ETA '
        '(two CPU cores need under 10 minutes)',
        flush=True,
    )
    metrics, checkpoint, seconds = train_and_evaluate(cfg)
    print('3/4  evaluated; 4/4  drawing detections beside the ground truth', flush=True)
    model = init_detector(cfg, str(checkpoint), device=get_device())
    dataset = DATASETS.build(cfg.val_dataloader.dataset)
    pictures = draw_on_dataset(model, dataset, NUM_PICTURES, args.work_dir / 'pictures')

    # Without any detection COCO's evaluator gives no figures.
    ap, ap50, ap_small = (metrics.get(f'coco/bbox_mAP{end}', 0.0) for end in ('', '_50', '_s'))
    log = max(args.work_dir.glob('*/*.log'), key=lambda path: path.stat().st_mtime)
    print(
        f'\n| AP | AP50 | AP small | training |\n| --- | --- | --- | --- |\n'
        f'| {ap:.3f} | {ap50:.3f} | {ap_small:.3f} | {seconds / 60:.1f} min |\n\n'
        f'checkpoint  {checkpoint}\nlog         {log}\n'
        f'pictures    {pictures[0].parent}/*.png ({len(pictures)})',
        flush=True,
    )
    if ap50 < args.min_ap50:
        raise SystemExit(
            f'The demo failed: AP50 is {ap50:.3f}, and {args.min_ap50:.2f} shows that '
            f'the detector has learnt. See {log}.'
        )
