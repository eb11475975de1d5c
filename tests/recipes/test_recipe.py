"""Reading recipes, and what a recipe refuses."""

import fcntl
import json
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.model import revert_sync_batchnorm

import mmdet_efpn.recipes.recipe as recipes
from mmdet_efpn.recipes import Launch, load_stages, run_recipe, table
from mmdet_efpn.recipes.launch import slurm_script
from mmdet_efpn.recipes.stages import claim
from mmdet_efpn.recipes.table import last_metrics
from mmdet_efpn.utils.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
COMPARED = ROOT / 'benchmarks' / 'configs'
RECIPES = sorted(
    path for folder in (ROOT / 'configs', COMPARED) for path in folder.rglob('*three-stages*.py')
)


def write(folder, text="recipe = dict(stages=[dict(name='one', config='one.py')])", **configs):
    for name, config in (configs or dict(one='model = dict(width=1)')).items():
        (folder / f'{name}.py').write_text(config)
    (folder / 'recipe.py').write_text(text)
    return str(folder / 'recipe.py')


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_have_the_three_stages(path):
    stages = load_stages(str(path), None, {})
    assert [stage.name for stage in stages] == ['detector', 'distillation', 'box head']
    first, second, third = (stage.cfg.model for stage in stages)
    assert first.neck.type == 'FPN'
    assert second.type == 'CrossResolutionDistiller'
    assert not second.get('detection_loss')
    assert third.type == 'PartlyTrainedDetector'
    assert third.trainable == ['roi_head.extended_bbox_head']
    assert third.detector.roi_head.extended_rois_only
    assert second.detector.neck == third.detector.neck


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_shipped_stages_take_over_the_weights_before_them(path):
    """By names and shapes: the second stage adds the extension and the second head, nothing is lost."""
    shapes = []
    for stage in load_stages(str(path), None, {}):
        with torch.device('meta'):
            model = revert_sync_batchnorm(MODELS.build(stage.cfg.model))
        shapes.append({name: value.shape for name, value in model.state_dict().items()})
    first, second, third = shapes
    assert second == third
    assert first.items() <= second.items()
    new = {'.'.join(name.split('.')[:2]) for name in second if name not in first}
    assert new == {'neck.extension', 'roi_head.extended_bbox_head'}


def test_deeppcb_stages_have_1500_iterations_together():
    for path in (path for path in RECIPES if 'deeppcb' in path.stem):
        stages = load_stages(str(path), None, {})
        assert sum(stage.cfg.train_cfg.max_iters for stage in stages) == 1500
        for stage in stages:
            assert stage.cfg.param_scheduler[-1].end == stage.cfg.train_cfg.max_iters


def test_options_of_the_stage_and_of_the_command_line_reach_the_config(tmp_path):
    recipe = write(
        tmp_path,
        "recipe = dict(stages=[dict(name='a b', config='one.py', "
        "cfg_options={'model.width': 2}), dict(name='c', config='one.py')])",
    )
    first, second = load_stages(recipe, str(tmp_path / 'work'), ['+lr=3'])
    assert (first.cfg.model.width, first.cfg.lr, second.cfg.model.width) == (2, 3, 1)
    assert first.folder == tmp_path / 'work' / '1_a-b'
    assert first.cfg.work_dir == str(first.folder)


DESIGNS = COMPARED / 'designs'


@pytest.mark.parametrize('path', sorted(DESIGNS.glob('*_designs_*.py')), ids=lambda path: path.stem)
def test_shipped_designs_differ_and_build(path):
    stages = load_stages(str(path), None, {})
    assert len(stages) >= 12
    assert all(stage.independent for stage in stages)
    models = [stage.cfg.model for stage in stages]
    inputs = [stage.cfg.test_dataloader.dataset.pipeline for stage in stages]
    for i, model in enumerate(models):
        assert all((model, inputs[i]) != (models[j], inputs[j]) for j in range(i)), stages[i].name
        with torch.device('meta'):
            MODELS.build(model)
    assert {(stage.cfg.train_cfg.max_iters, stage.cfg.param_scheduler[-1].end) for stage in stages} == {
        (500, 1500)
    }
    assert len({stage.folder for stage in stages}) == len(stages)


@pytest.mark.parametrize('path', sorted(DESIGNS.glob('*_seeds_*.py')), ids=lambda path: path.stem)
def test_shipped_seeds_differ_in_nothing_else(path):
    by_design = {}
    for stage in load_stages(str(path), None, {}):
        design, _, seed = stage.name.rpartition(', seed ')
        assert stage.cfg.randomness.pop('seed') == int(seed)
        stage.cfg.work_dir = None
        by_design.setdefault(design, []).append(stage.cfg.to_dict())
    assert len(by_design) == 3
    for same in by_design.values():
        assert len(same) == 3
        assert same[0] == same[1] == same[2]


def leave_result(stage):
    """What a training would leave."""
    (stage.folder / 'done.pth').touch()
    stage.result_file.write_text(
        json.dumps(dict(checkpoint=str(stage.folder / 'done.pth'), metrics={'AP': 0.25}, seconds=1))
    )


def test_independent_stages_start_from_the_same_weights(tmp_path, monkeypatch):
    stages = "stages=[dict(name='a, b', config='one.py'), dict(name='c', config='one.py')]"
    starts = {}

    def train(stage, *args):
        starts[stage.folder.parent.name, stage.name] = stage.cfg.load_from
        leave_result(stage)

    monkeypatch.setattr(recipes, 'run_stage', train)
    (tmp_path / 'first.pth').touch()
    for kind, text in (
        ('chained', f'recipe = dict({stages})'),
        ('independent', f'recipe = dict(independent=True, {stages})'),
    ):
        recipe, work = write(tmp_path, text), str(tmp_path / kind)
        assert '| 2 c | 0.250 |' in table(run_recipe(recipe, work, str(tmp_path / 'first.pth')))
    first, handed_on = str(tmp_path / 'first.pth'), str(tmp_path / 'chained' / '1_a-b' / 'done.pth')
    assert starts == {
        ('chained', 'a, b'): first,
        ('chained', 'c'): handed_on,
        ('independent', 'a, b'): first,
        ('independent', 'c'): first,
    }


def test_runs_of_independent_stages_share_them_out(tmp_path, monkeypatch, capsys):
    recipe = write(
        tmp_path,
        'recipe = dict(independent=True, stages=['
        "dict(name='a', config='one.py'), dict(name='b', config='one.py')])",
    )
    trained = []

    def train(stage, *args):
        trained.append(stage.name)
        leave_result(stage)

    monkeypatch.setattr(recipes, 'run_stage', train)
    (tmp_path / 'work/a').mkdir(parents=True)
    with open(tmp_path / 'work/a/recipe.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        figures = table(run_recipe(recipe, str(tmp_path / 'work')))
    assert trained == ['b']
    assert 'Stage 1 of 2: a is left to the run that is at it' in capsys.readouterr().out
    assert '| 2 b | 0.250 |' in figures
    assert '| 1 a |' not in figures
    run_recipe(recipe, str(tmp_path / 'work'))
    assert trained == ['b', 'a']


def train_by(monkeypatch, script):
    """Trainings run this script, with the stage's config as its argument."""

    def command(launch, stage):
        return [sys.executable, '-c', script, str(stage.config_file)]

    monkeypatch.setattr(Launch, 'command', command)


def test_a_failing_independent_stage_does_not_keep_the_others_back(tmp_path, monkeypatch):
    recipe = write(
        tmp_path,
        'recipe = dict(independent=True, stages=['
        "dict(name='a', config='one.py'), dict(name='b', config='one.py')])",
    )
    train_by(
        monkeypatch,
        'import sys, pathlib, torch\nfolder = pathlib.Path(sys.argv[1]).with_suffix("")\n'
        'if folder.name == "a": sys.exit(7)\ntorch.save({}, folder / "iter_1.pth")\n'
        '(folder / "last_checkpoint").write_text(str(folder / "iter_1.pth"))',
    )
    with pytest.raises(UserError, match=r'stage 1 \(a\) failed with exit status 7') as error:
        run_recipe(recipe, str(tmp_path / 'work'))
    assert 'stage 2' not in str(error.value)
    assert (tmp_path / 'work/b/stage_result.json').is_file()


def test_equal_time_gives_each_its_own_whole_schedule():
    (path,) = DESIGNS.glob('*_equal-time_*.py')
    iterations = []
    for stage in load_stages(str(path), None, {}):
        assert stage.independent
        iterations.append((stage.cfg.model.neck.type, stage.cfg.train_cfg.max_iters))
        assert stage.cfg.param_scheduler[-1].end == stage.cfg.train_cfg.max_iters
        assert stage.cfg.train_cfg.max_iters % stage.cfg.train_cfg.val_interval == 0
    assert iterations == [('EFPN', 1500), ('FPN', 116 * 15), ('FPN', 140 * 15)]


def test_widths_are_compared_at_equal_iterations():
    (path,) = DESIGNS.glob('*_width_*.py')
    trained = {}
    for stage in load_stages(str(path), None, {}):
        assert stage.independent
        settings = stage.cfg.train_cfg
        assert settings.val_begin == 600
        assert (settings.max_iters - settings.val_begin) % settings.val_interval == 0
        channels = stage.cfg.model.neck.extension_cfg.channels
        trained.setdefault(channels, {})[stage.cfg.randomness.seed] = settings.max_iters
        assert stage.cfg.model.neck.out_channels == 128
    assert trained == {channels: {0: 1500, 1: 600, 2: 600} for channels in (64, 32)}


def test_every_design_file_is_tested():
    kinds = ('_designs_', '_seeds_', '_equal-time_', '_width_')
    assert all(any(kind in path.stem for kind in kinds) for path in DESIGNS.glob('*.py'))


@pytest.mark.parametrize(
    ('text', 'configs', 'said'),
    [
        (
            "recipe = dict(independent=True, stages=[dict(name='a+b', config='one.py'), "
            "dict(name='a-b', config='one.py')])",
            {},
            'two stages would work in .*a-b',
        ),
        ('x = 1', {}, 'is no recipe'),
        ("recipe = dict(stages=[dict(name='a')])", {}, 'it needs name and config'),
        ("recipe = dict(stages=[dict(name='a', config='b.py')])", {}, r'stage 1 not found: .*b\.py'),
        (
            "recipe = dict(stages=[dict(name='a', config='one.py')])",
            dict(one="load_from = 'x.pth'"),
            'leave load_from and resume out',
        ),
        (
            "recipe = dict(stages=[dict(name='a', config='one.py', cfg_options={'load_from': 'x'})])",
            {},
            'leave load_from and resume out',
        ),
        (
            "recipe = dict(stages=[dict(name='a', config='one.py', cfg_options={'resume': True})])",
            {},
            'leave load_from and resume out',
        ),
        (
            "recipe = dict(stages=[dict(name='a', config='one.py', cfg_options={'work_dir': 'x'})])",
            {},
            r"has work_dir='x'.* use --work-dir",
        ),
    ],
)
def test_a_broken_recipe_is_named(tmp_path, text, configs, said):
    with pytest.raises(UserError, match=said):
        load_stages(write(tmp_path, text, **configs), None, {})


def test_a_folder_begun_with_another_config_is_refused(tmp_path):
    recipe = write(tmp_path)
    (stage,) = load_stages(recipe, str(tmp_path / 'work'), {})
    claim(stage, None)
    claim(stage, None)
    with pytest.raises(UserError, match='was begun with another config than stage 1 has now'):
        claim(stage, 'other.pth')
    (changed,) = load_stages(recipe, str(tmp_path / 'work'), {'model.width': 9})
    with pytest.raises(UserError, match='choose another --work-dir'):
        claim(changed, None)


def test_another_spelling_of_the_folder_is_the_same_run(tmp_path, monkeypatch):
    recipe = write(tmp_path)
    monkeypatch.chdir(tmp_path)
    for work_dir, weights in (
        (str(tmp_path / 'work'), str(tmp_path / 'a.pth')),
        ('work', 'a.pth'),
        ('./x/../work', './a.pth'),
    ):
        (stage,) = load_stages(recipe, work_dir, {})
        claim(stage, weights)


def test_a_folder_in_use_is_refused(tmp_path):
    recipe = write(tmp_path)
    (tmp_path / 'work').mkdir()
    with open(tmp_path / 'work' / 'recipe.lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match='is in use by another run of a recipe'):
            run_recipe(recipe, str(tmp_path / 'work'))


def test_a_failing_training_ends_the_recipe_with_its_status(tmp_path, monkeypatch):
    recipe = write(tmp_path)
    train_by(monkeypatch, 'raise SystemExit(7)')
    with pytest.raises(UserError, match=r'stage 1 \(one\) failed with exit status 7'):
        run_recipe(recipe, str(tmp_path / 'work'))


def test_an_unknown_option_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r'stage 1, .*one\.py has no model\.widht; did you mean model\.width'
    ):
        load_stages(write(tmp_path), None, {'model.widht': 2})


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match='--load-from: checkpoint not found: nothing'):
        run_recipe(write(tmp_path), str(tmp_path / 'work'), 'nothing.pth')
    assert not (tmp_path / 'work').exists()


def test_the_last_evaluation_counts(tmp_path):
    """A line that a kill cut off is passed over."""
    for run, lines in (
        ('1', [{'loss': 1, 'step': 1}, {'coco/bbox_mAP': 0.1, 'step': 0}]),
        ('2', [{'coco/bbox_mAP': 0.3, 'coco/bbox_mAP_50': 0.5, 'step': 0}]),
    ):
        (tmp_path / run / 'vis_data').mkdir(parents=True)
        (tmp_path / run / 'vis_data' / 'scalars.json').write_text(
            '\n'.join([*map(json.dumps, lines), '{"coco/bbox_mAP": 0.'])
        )
    assert last_metrics(tmp_path) == {'AP': 0.3, 'AP50': 0.5}


def test_the_table_shows_finished_stages(tmp_path):
    (stage,) = load_stages(write(tmp_path), str(tmp_path / 'work'), {})
    assert table([stage]).count('\n') == 1
    claim(stage, None)
    stage.result_file.write_text(json.dumps(dict(checkpoint='a.pth', seconds=1, metrics={'AP': 0.25})))
    assert '| 1 one | 0.250 | not evaluated | not evaluated | a.pth |' in table([stage])


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(passed_on=('--amp', '--resume=x.pth')), '--resume is set by the recipe itself'),
        (dict(passed_on=('--launcher', 'pytorch')), '--launcher is set by the recipe itself'),
        (dict(processes=0), '--processes must be a whole number from 1, got 0'),
        (dict(processes=2, slurm=('gpu', 'job')), 'contradict each other'),
    ],
)
def test_launches_that_contradict_the_recipe(options, said):
    with pytest.raises(UserError, match=said):
        Launch(**options)


TRAIN = ['-m', 'mmdet_efpn.cli', 'train', 'CONFIG']
TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.mark.parametrize(
    ('options', 'start'),
    [
        (dict(), [sys.executable, *TRAIN]),
        (
            dict(processes=2),
            [
                sys.executable,
                '-m',
                'torch.distributed.run',
                '--standalone',
                '--local-addr',
                '127.0.0.1',
                '--nproc-per-node',
                '2',
                *TRAIN,
                '--launcher',
                'pytorch',
            ],
        ),
        (
            dict(slurm=('gpu', 'job')),
            ['bash', str(TOOLS / 'slurm_train.sh'), 'gpu', 'job', 'CONFIG'],
        ),
    ],
)
def test_stages_are_trained_by_the_launcher_and_resumed_where_there_is_a_checkpoint(
    tmp_path, options, start
):
    (stage,) = load_stages(write(tmp_path), str(tmp_path / 'work'))
    launch = Launch(**options, passed_on=('--amp',))
    start = [str(stage.config_file) if part == 'CONFIG' else part for part in start]
    assert launch.command(stage) == [*start, '--amp']
    claim(stage, None)
    (stage.folder / 'iter_4.pth').write_bytes(b'PK cut off')
    assert launch.command(stage) == [*start, '--amp', '--overwrite']
    torch.save({}, stage.folder / 'iter_2.pth')
    assert launch.command(stage) == [*start, '--amp', '--resume', str(stage.folder / 'iter_2.pth')]


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.setattr('os.cpu_count', lambda: 8)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    assert Launch(processes=3).environment()['OMP_NUM_THREADS'] == '2'
    assert Launch(processes=9).environment()['OMP_NUM_THREADS'] == '1'
    assert 'OMP_NUM_THREADS' not in Launch().environment()
    monkeypatch.setenv('OMP_NUM_THREADS', '5')
    assert Launch(processes=3).environment()['OMP_NUM_THREADS'] == '5'


def test_a_checkout_is_found_by_its_trainings(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', '/elsewhere')
    assert Launch().environment()['PYTHONPATH'] == f'{TOOLS.parent}:/elsewhere'


def test_slurm_without_its_script(monkeypatch, tmp_path):
    package = tmp_path / 'site-packages' / 'mmdet_efpn'
    (package / '.mim/tools').mkdir(parents=True)
    monkeypatch.setattr('mmdet_efpn.recipes.launch.PACKAGE', package)
    with pytest.raises(UserError, match=r'--slurm needs slurm_train\.sh'):
        slurm_script()
    (package / '.mim/tools/slurm_train.sh').touch()
    assert slurm_script() == package / '.mim/tools/slurm_train.sh'
