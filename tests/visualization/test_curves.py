"""Logs of resumed runs, running means by hand, and what the picture holds."""

import json

import numpy as np
import pytest

from mmdet_efpn.visualization.curves import draw_curves, read_curve, smoothed


def write_log(work_dir, name, losses):
    folder = work_dir / name / 'vis_data'
    folder.mkdir(parents=True)
    lines = [dict(loss=loss, step=step) for step, loss in losses.items()]
    (folder / 'scalars.json').write_text('\n'.join(map(json.dumps, [*lines, {'AP': 0.5, 'step': 9}])))


def test_a_resumed_run_is_one_curve(tmp_path):
    write_log(tmp_path, '20260101_000000', {1: 4.0, 2: 3.0, 3: 9.0})
    write_log(tmp_path, '20260101_010000', {3: 2.0, 4: 1.0})
    steps, values = read_curve(tmp_path)
    assert steps.tolist() == [1, 2, 3, 4]
    assert values.tolist() == [4, 3, 2, 1]


def test_a_missing_value_is_named(tmp_path):
    write_log(tmp_path, 'run', {1: 4.0})
    with pytest.raises(ValueError, match=r"no .*scalars\.json logs a value named 'loss_mask'"):
        read_curve(tmp_path, 'loss_mask')


def test_running_mean_by_hand():
    assert smoothed([1, 2, 6, 3], 3) == pytest.approx([1.5, 3, 11 / 3, 4.5])
    assert smoothed([1, 5], 1) == pytest.approx([1, 5])
    assert smoothed([4.0, 8.0], 9) == pytest.approx([6, 6])
    with pytest.raises(ValueError, match='odd number from 1, got 4'):
        smoothed([1, 2], 4)


def test_each_run_has_its_raw_and_its_smoothed_line(tmp_path):
    for number, name in enumerate(('one', 'two')):
        write_log(tmp_path / name, 'run', {step: step + number for step in range(1, 6)})
    (axes,) = draw_curves(dict(one=tmp_path / 'one', two=tmp_path / 'two'), window=3).axes
    raw, mean = axes.lines[2:]
    assert raw.get_ydata().tolist() == [2, 3, 4, 5, 6]
    assert np.allclose(mean.get_ydata(), [2.5, 3, 4, 5, 5.5])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['one', 'two']
