"""The three stages as one command: killed in the second stage, continued on two processes."""

import json

import pytest
import torch

RECIPE = """
recipe = dict(stages=[
    dict(name='detector', config='detector.py', cfg_options={'train_cfg.max_iters': 2}),
    dict(name='distillation', config='distillation.py'),
    dict(name='box head', config='box_head.py')])
"""
WRAPPED = """
_base_ = {base!r}
custom_imports = dict(imports=['mmdet_efpn', 'run_hooks'], allow_failed_imports=False)
model = dict(_delete_=True, detector=_base_.model, {wrapper})
"""


@pytest.fixture(scope='module')
def recipe(tmp_path_factory, tiny_config):
    """Folder with a recipe of three stages of a few iterations; the second one is killed once."""
    folder = tmp_path_factory.mktemp('recipe')
    (folder / 'recipe.py').write_text(RECIPE)
    (folder / 'detector.py').write_text(f'_base_ = {str(tiny_config)!r}\n')
    (folder / 'distillation.py').write_text(
        WRAPPED.format(base=str(tiny_config), wrapper="type='CrossResolutionDistiller'")
        + 'train_cfg = dict(max_iters=4)\n'
        + f"custom_hooks = [dict(type='KillOnce', iteration=3, marker={str(folder / 'killed')!r})]\n"
    )
    (folder / 'box_head.py').write_text(
        WRAPPED.format(
            base=str(tiny_config),
            wrapper="type='PartlyTrainedDetector', trainable=['roi_head.extended_bbox_head']",
        )
        + "model['detector']['roi_head']['extended_rois_only'] = True\n"
        + 'train_cfg = dict(max_iters=2)\nval_cfg = dict(type="ValLoop")\n'
        + 'val_dataloader = _base_.test_dataloader\nval_evaluator = _base_.test_evaluator\n'
    )
    return folder


@pytest.fixture(scope='module')
def two_runs(recipe, run_tool, repository):
    """The killed run, of one process, and the one that went on with two."""
    path = f'{repository}:{repository / "tests" / "tools"}'
    return [
        run_tool(
            'train_recipe.py',
            'recipe.py',
            '--work-dir',
            'run',
            *processes,
            cwd=recipe,
            check=False,
            PYTHONPATH=path,
        )
        for processes in ((), ('--processes', '2'))
    ]


def weights(folder, stage):
    result = json.loads((folder / 'run' / stage / 'stage_result.json').read_text())
    return torch.load(result['checkpoint'], weights_only=False)['state_dict']


def test_a_killed_stage_leaves_the_earlier_ones_and_says_what_to_do(two_runs, recipe):
    killed = two_runs[0]
    assert killed.returncode == 2
    assert 'stage 2 (distillation) failed with exit status' in killed.stderr
    assert 'run the same command again' in killed.stderr
    assert (recipe / 'killed').exists()


def test_goes_on_in_the_right_stage_and_iteration(two_runs, recipe):
    done = two_runs[1]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert 'Stage 1 of 3: detector is done' in done.stdout
    assert '--resume: continuing from' in done.stdout
    assert 'iter_2.pth' in done.stdout
    for row in ('| 1 detector |', '| 2 distillation |', '| 3 box head |'):
        assert row in done.stdout
    last = torch.load(recipe / 'run/2_distillation/iter_4.pth', weights_only=False)
    assert last['meta']['iter'] == 4


def test_each_stage_changes_its_own_part_only(two_runs, recipe):
    stages = [weights(recipe, name) for name in ('1_detector', '2_distillation', '3_box-head')]
    for before, after, part in (
        (*stages[:2], 'neck.extension.'),
        (*stages[1:], 'roi_head.extended_bbox_head.'),
    ):
        assert set(before) == set(after)
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert changed, part
        assert all(name.startswith(part) for name in changed), part


def test_a_finished_recipe_trains_nothing_and_prints_its_table(two_runs, recipe, run_tool, repository):
    done = run_tool(
        'train_recipe.py',
        'recipe.py',
        '--work-dir',
        'run',
        cwd=recipe,
        PYTHONPATH=f'{repository}:{repository / "tests" / "tools"}',
    )
    assert done.stdout.count('is done') == 3
    assert '| 3 box head | 0.' in done.stdout
