"""The package as ``mim`` sees it: configs and tools by name."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_efpn.datasets.synthetic.dataset import make_synthetic_signs

CONFIG = 'faster-rcnn_r18_efpn_demo_synthetic-signs.py'
MIM = shutil.which('mim', path=str(Path(sys.executable).parent))


@pytest.mark.skipif(MIM is None, reason='no mim beside this Python')
def test_trains_and_tests_by_file_name(tmp_path, child_environment):
    data = tmp_path / 'signs'
    make_synthetic_signs(data, num_train=4, num_val=2, size=128)
    options = [
        '--work-dir',
        str(tmp_path / 'run'),
        '--cfg-options',
        'train_cfg.max_iters=1',
        'train_cfg.val_interval=9',
        'train_dataloader.batch_size=1',
        f'val_evaluator.ann_file={data}/annotations/val.json',
        f'test_evaluator.ann_file={data}/annotations/val.json',
        'param_scheduler.1.end=60',
        'default_hooks.checkpoint.interval=1',
        *(f'{split}_dataloader.dataset.data_root={data}' for split in ('train', 'val', 'test')),
    ]
    environment = {k: v for k, v in child_environment.items() if k != 'PYTHONPATH'}

    def mim(*arguments):
        done = subprocess.run(
            [MIM, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout + done.stderr

    mim('train', 'mmdet_efpn', CONFIG, *options)
    checkpoint = tmp_path / 'run' / 'iter_1.pth'
    assert checkpoint.is_file()
    mim('test', 'mmdet_efpn', CONFIG, '--checkpoint', checkpoint, *options)
