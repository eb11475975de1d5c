"""The demo from data to table, in two iterations."""

import re

import pytest

SHORT = """
_base_ = '{config}'
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    neck=dict(in_channels=[8, 8, 16, 32, 64], out_channels=16, ftt=dict(hidden_channels=8)),
    rpn_head=dict(in_channels=16, feat_channels=16),
    roi_head=dict(bbox_roi_extractor=dict(out_channels=16), bbox_head=dict(in_channels=16)))
train_cfg = dict(max_iters=2)
param_scheduler = [dict(type='LinearLR', start_factor=0.5, by_epoch=False, begin=0, end=2)]
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = val_dataloader
"""


@pytest.fixture
def arguments(tmp_path, repository):
    config = tmp_path / 'short_demo.py'
    config.write_text(
        SHORT.format(config=repository / 'configs/demo/faster-rcnn_r18_efpn_demo_synthetic-signs.py')
    )
    return [
        '--config',
        config,
        '--data-dir',
        str(tmp_path / 'data'),
        '--work-dir',
        str(tmp_path / 'work'),
        '--num-train',
        '4',
        '--num-val',
        '3',
    ]


def test_makes_data_trains_evaluates_and_draws(arguments, tmp_path, command):
    code, printed, _ = command('demo', *arguments, '--min-ap50', '0')
    assert code == 0
    assert '| AP | AP50 | AP small |' in printed
    assert (tmp_path / 'work' / 'iter_2.pth').is_file()
    assert str(tmp_path / 'work' / 'iter_2.pth') in printed
    assert len(list((tmp_path / 'work' / 'pictures').glob('*.png'))) == 3

    # A second run finds the training done, and fails where the detector has not learnt.
    checkpoint = (tmp_path / 'work' / 'iter_2.pth').stat().st_mtime
    code, printed, _ = command('demo', *arguments)
    assert code == 1
    assert re.search(r'The demo failed: AP50 is 0\.\d+, and 0\.60 shows', printed)
    assert (tmp_path / 'work' / 'iter_2.pth').stat().st_mtime == checkpoint


def test_other_data_in_the_folder_is_one_sentence(arguments, tmp_path, command):
    (tmp_path / 'data').mkdir()
    (tmp_path / 'data' / 'mine.txt').write_text('kept')
    code, _, error = command('demo', *arguments)
    assert code == 2
    assert re.fullmatch(r'mmdet-efpn demo: error: .*data.*\n', error)
    assert (tmp_path / 'data' / 'mine.txt').read_text() == 'kept'
