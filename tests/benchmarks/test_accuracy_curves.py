"""Designs against a curve over input scales, by hand-worked numbers and on a tiny recipe."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.common.curve import Point, above_curve, points_of, split_seed
from benchmarks.common.trained_run import FIGURES, figures_of
from benchmarks.curves import main, training_times, with_earlier
from benchmarks.designs import input_size
from mmdet_efpn.recipes import claim, load_stages
from mmdet_efpn.utils.errors import UserError

RECIPES = Path(__file__).resolve().parents[2] / 'benchmarks' / 'configs' / 'curves'


def point(design, scale, time, *values):
    """A design of one seed whose draws are its value."""
    return Point(design, scale, time, np.array([[value] * 4 for value in values]))


def test_the_curve_is_a_straight_line_between_scales():
    curve = [point('FPN', 1, 10, 0.1), point('FPN', 2, 30, 0.2)]
    rows = above_curve([*curve, point('ours', 1, 15, 0.2)], 'FPN')
    assert rows['ours @1']['above'] == pytest.approx(0.2 - 0.125)
    assert rows['ours @1']['above_interval'] == pytest.approx((0.075, 0.075))
    assert not rows['ours @1']['outside']
    assert 'above' not in rows['FPN @1']


def test_what_is_cheaper_or_dearer_than_the_curve_says_so():
    curve = [point('FPN', 1, 10, 0.1), point('FPN', 2, 30, 0.2)]
    rows = above_curve([*curve, point('a', 1, 5, 0.2), point('b', 1, 40, 0.2)], 'FPN')
    assert rows['a @1']['above'] == pytest.approx(0.1)
    assert rows['b @1']['above'] == pytest.approx(0)
    assert rows['a @1']['outside']
    assert rows['b @1']['outside']


def test_draws_of_pictures_are_the_same_for_all_and_seeds_are_drawn():
    """Noise that all runs share goes out; that of seeds stays: two seeds' mean is 0, 0.5 or 1."""
    shared = np.random.default_rng(1).normal(size=2001)
    curve = [Point('FPN', scale, scale, np.array([shared])) for scale in (1, 2)]
    same = above_curve([*curve, Point('a', 1, 1, np.array([shared + 0.5]))], 'FPN')['a @1']
    assert same['above_interval'] == pytest.approx((0.5, 0.5))
    assert same['interval'][0] < -1
    other = above_curve([*curve, Point('a', 1, 1, np.array([shared, shared + 1]))], 'FPN')['a @1']
    assert other['above'] == pytest.approx(0.5)
    assert other['above_interval'] == pytest.approx((0, 1))


def test_one_scale_is_no_curve():
    with pytest.raises(UserError, match='FPN at two scales or more; there are 1'):
        above_curve([point('FPN', 1, 1, 0.1), point('ours', 1, 1, 0.1)], 'FPN')


def test_names():
    assert split_seed('FPN @1.25, seed 2') == ('FPN @1.25', 2)
    for name in ('FPN', 'FPN @1', 'FPN, seed 1', 'FPN @x, seed 1'):
        with pytest.raises(UserError, match='is called "DESIGN @SCALE, seed N"'):
            split_seed(name)
    runs = {
        'a @1, seed 1': dict(AP=[1, 2]),
        'a @1, seed 0': dict(AP=[3, 4]),
        'b @2, seed 0': {'AP': [5]},
    }
    (only,) = points_of(runs, {'a @1': 7.0}, 'AP')
    assert (only.design, only.scale, only.time) == ('a', 1.0, 7.0)
    assert only.values.tolist() == [[3, 4], [1, 2]]


def test_times_of_another_day_are_scaled_by_the_base():
    earlier = dict(test={'FPN @1': 2.0, 'old @1': 3.0}, step={'FPN @1': 1.0, 'old @1': 4.0})
    now = dict(test={'FPN @1': 4.0, 'new @1': 5.0}, step={'FPN @1': 3.0, 'new @1': 6.0})
    times = with_earlier(now, earlier, 'FPN')
    assert times['test'] == {'FPN @1': 4.0, 'new @1': 5.0, 'old @1': 6.0}
    assert times['step']['old @1'] == 12.0
    assert times['from_before'] == ['old @1']
    with pytest.raises(UserError, match='FPN @1 is not trained here'):
        with_earlier(dict(test={'new @1': 5.0}, step={}), earlier, 'FPN')
    content = dict(runs={'FPN @1, seed 0': dict(iterations=10)}, times=times)
    assert training_times(content) == {'FPN @1': 30.0}


@pytest.mark.parametrize(('name', 'height'), [('hit-uav', 256), ('deeppcb', 320)])
def test_shipped_recipes_differ_in_scale_and_seed_alone(name, height):
    stages = load_stages(str(RECIPES / f'faster-rcnn_lite0-c4_curves_{name}.py'), None, {})
    by_design = {}
    for stage in stages:
        design, seed = split_seed(stage.name)
        scale = float(design.rpartition('@')[2])
        assert input_size(stage.cfg) == (height * scale, 320 * scale)
        assert stage.cfg.train_dataloader.dataset.pipeline[2].scale == (320 * scale, height * scale)
        assert stage.cfg.randomness.seed == seed
        assert stage.cfg.train_cfg.max_iters == stage.cfg.param_scheduler[-1].end == 600
        by_design.setdefault(design, []).append((seed, stage.cfg.model))
    assert sorted(by_design) == [
        *(f'FPN @{x}' for x in ('1', '1.25', '1.5', '1.75', '2')),
        'light @1',
        'light @1.25',
    ]
    for runs in by_design.values():
        assert [seed for seed, _ in runs] == [0, 1, 2]
        assert all(model == runs[0][1] for _, model in runs)


@pytest.fixture
def recipe(tiny_config, trained, tmp_path):
    """A recipe of four designs, all but the last trained."""
    scales = {'test_dataloader.dataset.pipeline.2.scale': (96, 96)}
    stages = [
        dict(name='FPN @1, seed 0', config=str(tiny_config)),
        dict(name='FPN @1.5, seed 0', config=str(tiny_config), cfg_options=scales),
        dict(name='ours @1, seed 0', config=str(tiny_config)),
        dict(name='not yet @1, seed 0', config=str(tiny_config)),
    ]
    path = tmp_path / 'curves.py'
    path.write_text(f'recipe = dict(independent=True, stages={stages!r})\n')
    for stage in load_stages(str(path), str(tmp_path / 'work'), {})[:-1]:
        claim(stage, None)
        stage.result_file.write_text(json.dumps(dict(checkpoint=str(trained), seconds=1, metrics={})))
    return path


def test_command(recipe, tmp_path, capsys):
    figures = tmp_path / 'figures.json'
    words = [
        recipe,
        '--work-dir',
        tmp_path / 'work',
        '--figures',
        figures,
        '--draws',
        3,
        '--device',
        'cpu',
    ]
    timed = ['--images', 1, '--repeats', 1, '--picture', tmp_path / 'p.png', '--threads', 1]
    main(list(map(str, [*words, *timed])))
    said = capsys.readouterr().out
    assert '| FPN @1 | 1 |' in said
    assert '| ours @1 | 1 |' in said
    assert 'not yet' not in said
    with Image.open(tmp_path / 'p.png') as picture:
        assert picture.size == (1320, 880)
    content = json.loads(figures.read_text())
    runs = content['runs']
    assert len(runs) == 3
    assert all(len(runs[name][figure]) == 4 for name in runs for _, _, figure in FIGURES)
    assert runs['FPN @1, seed 0'] == runs['ours @1, seed 0']  # the same weights at the same scale
    again = figures_of(load_stages(str(recipe), str(tmp_path / 'work'), {})[0], 3)
    assert all(runs['FPN @1, seed 0'][name] == values for name, values in again.items())
    runs['ours @1, seed 0']['AP'][0] = 0.875
    figures.write_text(json.dumps(content))
    main(list(map(str, words)))  # what is in the file stays
    assert json.loads(figures.read_text())['runs']['ours @1, seed 0']['AP'][0] == 0.875
    assert '0.875' in capsys.readouterr().out


def test_a_file_of_something_else(recipe, tmp_path, capsys):
    (tmp_path / 'figures.json').write_text('[]')
    with pytest.raises(SystemExit) as stopped:
        main([str(recipe), '--figures', str(tmp_path / 'figures.json')])
    assert stopped.value.code == 2
    assert 'is not a file of curves' in capsys.readouterr().err
    assert (tmp_path / 'figures.json').read_text() == '[]'
