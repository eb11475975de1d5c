"""Training and testing from the command line."""

import pickle
import signal

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.device import get_device

from mmdet_efpn import engine
from mmdet_efpn.checkpoints import last_checkpoint, require_fitting_weights
from mmdet_efpn.engine import load_run_config, logged_entries
from mmdet_efpn.utils.errors import UserError


def logged(work_dir, key):
    """The values of ``key`` by iteration over all logs of a run; the later log wins."""
    return {entry['step']: entry[key] for entry in logged_entries(work_dir) if key in entry}


def load(path):
    return torch.load(path, map_location='cpu', weights_only=False)


def assert_equal(first, second):
    """Two nested structures of tensors and plain values are equal, bit for bit."""
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, second)
    elif isinstance(first, dict):
        assert first.keys() == second.keys()
        for key in first:
            assert_equal(first[key], second[key])
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second)
        for one, other in zip(first, second, strict=True):
            assert_equal(one, other)
    else:
        assert first == second


def test_killed_and_resumed_equals_uninterrupted(
    uninterrupted_run, run_tool, hooked_config, tiny_config, repository, tmp_path
):
    options = ['--work-dir', 'run', '--cfg-options', 'optim_wrapper.optimizer.momentum=0.8']
    killed = run_tool(
        'train.py',
        hooked_config("dict(type='KillBefore', iteration=5)"),
        *options,
        cwd=tmp_path,
        check=False,
        PYTHONPATH=f'{repository}:{repository / "tests" / "tools"}',
    )
    work_dir = tmp_path / 'run'
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-4000:]
    assert last_checkpoint(work_dir).path.endswith('iter_4.pth')

    run_tool('train.py', tiny_config, *options, '--resume', cwd=tmp_path)

    assert list(logged(uninterrupted_run, 'loss')) == [1, 2, 3, 4, 5, 6]
    for key in ('loss', 'lr'):
        assert logged(work_dir, key) == logged(uninterrupted_run, key)
    ours, theirs = load(work_dir / 'iter_6.pth'), load(uninterrupted_run / 'iter_6.pth')
    assert_equal(ours['state_dict'], theirs['state_dict'])
    assert_equal(ours['optimizer'], theirs['optimizer'])
    assert_equal(ours['param_schedulers'], theirs['param_schedulers'])


def test_cfg_options_reach_the_run(uninterrupted_run):
    optimizer = load(uninterrupted_run / 'iter_6.pth')['optimizer']
    assert optimizer['param_groups'][0]['momentum'] == 0.8


def test_amp_trains_on_the_cpu(uninterrupted_run, run_tool, tiny_config, tmp_path):
    run_tool(
        'train.py',
        tiny_config,
        '--work-dir',
        'run',
        '--amp',
        '--cfg-options',
        'train_cfg.max_iters=2',
        'default_hooks.checkpoint.interval=2',
        cwd=tmp_path,
    )
    losses, full = logged(tmp_path / 'run', 'loss'), logged(uninterrupted_run, 'loss')
    assert losses[1] != full[1]
    assert losses[1] == pytest.approx(full[1], rel=0.01)
    weights = load(tmp_path / 'run' / 'iter_2.pth')['state_dict'].values()
    assert {w.dtype for w in weights if w.is_floating_point()} == {torch.float32}


def test_tests_flipped_and_draws(uninterrupted_run, run_tool, tiny_config, tmp_path):
    run_tool(
        'test.py',
        tiny_config,
        uninterrupted_run / 'iter_6.pth',
        '--work-dir',
        'run',
        '--tta',
        '--show-dir',
        'pictures',
        '--out',
        'out.pkl',
        cwd=tmp_path,
    )
    predictions = pickle.loads((tmp_path / 'out.pkl').read_bytes())
    assert sorted(p['img_id'] for p in predictions) == list(range(6))
    assert len(list((tmp_path / 'run').glob('*/pictures/*'))) == 6


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (['--resume', 'gone.pth'], '--resume: checkpoint not found: gone.pth'),
        (['--cfg-options', 'load_from=gone.pth'], 'load_from: checkpoint not found: gone.pth'),
        (
            ['--cfg-options', 'train_dataloader.dataset.ann_file=gone.json'],
            'train_dataloader.dataset.ann_file',
        ),
        (
            ['--cfg-options', 'train_dataloader.sampler.type.wrong=1'],
            'train_dataloader.sampler.type.wrong=1 do not fit',
        ),
        (['--amp', '--cfg-options', 'optim_wrapper.type=ApexOptimWrapper'], 'ApexOptimWrapper'),
        (['--auto-scale-lr', '--cfg-options', 'auto_scale_lr.base_batch_size=None'], 'base_batch_size'),
        (['--launcher', 'pytorch'], 'RANK'),
    ],
)
def test_train_says_what_is_wrong(tiny_config, command, monkeypatch, options, said):
    monkeypatch.delenv('RANK', raising=False)
    code, _, error = command('train', tiny_config, *options)
    assert code == 2
    assert error.count('\n') == 1
    assert error.startswith('mmdet-efpn train: error: ')
    assert said in error


def test_missing_config_and_checkpoint_are_named(tiny_config, command):
    assert 'config not found: gone.py' in command('train', 'gone.py')[2]
    assert 'checkpoint not found: gone.pth' in command('test', tiny_config, 'gone.pth')[2]
    assert '.pkl' in command('test', tiny_config, 'gone.pth', '--out', 'boxes.txt')[2]


def test_debug_shows_the_traceback(command):
    with pytest.raises(FileNotFoundError, match='config not found'):
        command('train', 'gone.py', '--debug')


def test_a_work_folder_with_checkpoints_is_kept(tiny_config, uninterrupted_run, command):
    before = (uninterrupted_run / 'iter_6.pth').stat().st_mtime
    code, _, error = command('train', tiny_config, '--work-dir', uninterrupted_run)
    assert code == 2
    assert 'holds checkpoints of an earlier run' in error
    assert '--resume' in error
    assert (uninterrupted_run / 'iter_6.pth').stat().st_mtime == before
    wrong = ['--cfg-options', 'train_dataloader.dataset.ann_file=gone.json']
    code, _, error = command(
        'train', tiny_config, '--work-dir', uninterrupted_run, '--overwrite', *wrong
    )
    assert 'gone.json' in error  # past that check


def test_predictions_are_not_overwritten(tiny_config, uninterrupted_run, command, tmp_path):
    (tmp_path / 'out.pkl').write_text('kept')
    words = [tiny_config, uninterrupted_run / 'iter_6.pth', '--out', tmp_path / 'out.pkl']
    code, _, error = command('test', *words)
    assert code == 2
    assert '--overwrite' in error
    assert (tmp_path / 'out.pkl').read_text() == 'kept'


def test_another_models_checkpoint_is_not_tested(tiny_config, tmp_path):
    model = MODELS.build(Config.fromfile(tiny_config).model)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save(dict(state_dict={f'module.{k}': v + 1 for k, v in weights.items()}), tmp_path / 'own.pth')
    require_fitting_weights(model, str(tmp_path / 'own.pth'))
    assert_equal(model.state_dict(), {k: v + 1 for k, v in weights.items()})

    without = {k: v for k, v in weights.items() if not k.startswith('neck.extension.')}
    torch.save(without, tmp_path / 'fpn.pth')
    lacking = len(weights) - len(without)
    with pytest.raises(
        UserError,
        match=rf'lacks {lacking} of the {len(weights)} weights .*'
        r'neck\.extension\.',
    ):
        require_fitting_weights(model, str(tmp_path / 'fpn.pth'))

    torch.save(dict(weights, **{'neck.lateral_convs.0.conv.bias': torch.zeros(3)}), tmp_path / 'odd.pth')
    with pytest.raises(UserError, match=r'another model.*lateral_convs\.0\.conv\.bias'):
        require_fitting_weights(model, str(tmp_path / 'odd.pth'))


def test_test_stops_at_another_models_checkpoint(tiny_config, run_tool, tmp_path):
    torch.save({}, tmp_path / 'empty.pth')
    done = run_tool('test.py', tiny_config, 'empty.pth', cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert 'mmdet-efpn test: error: checkpoint: empty.pth lacks' in done.stderr


def test_missing_files_in_nested_data_sets_are_all_named(tiny_config):
    cfg = Config.fromfile(str(tiny_config))
    plain = cfg.train_dataloader.dataset
    cfg.train_dataloader.dataset = dict(
        type='RepeatDataset',
        times=2,
        dataset=dict(
            type='ConcatDataset',
            datasets=[plain, dict(plain, ann_file='gone_a.json'), dict(plain, ann_file='gone_b.json')],
        ),
    )
    with pytest.raises(UserError, match=r'datasets\[1\].*gone_a.json.*gone_b.json'):
        engine.require_annotations(cfg, ('train',))


def test_amp_takes_the_devices_wrapper(tiny_config):
    cfg = load_run_config(tiny_config)
    engine.use_mixed_precision(cfg)
    expected = 'BFloat16OptimWrapper' if get_device() == 'cpu' else 'AmpOptimWrapper'
    assert cfg.optim_wrapper.type == expected
    assert cfg.optim_wrapper.optimizer.type == 'SGD'


def test_auto_scale_lr_is_switched_on(tiny_config):
    cfg = load_run_config(tiny_config)
    engine.scale_learning_rate(cfg)
    assert cfg.auto_scale_lr == dict(enable=True, base_batch_size=4)


def test_resume_without_checkpoint_keeps_load_from(tiny_config, tmp_path):
    weights = tmp_path / 'stage_one.pth'
    weights.touch()
    cfg = load_run_config(tiny_config, [f'load_from={weights}'], str(tmp_path / 'new'))
    assert 'no checkpoint' in engine.set_resume(cfg, 'auto')
    assert cfg.load_from == str(weights)
    assert not cfg.get('resume')


def test_a_run_killed_in_its_last_evaluation_is_evaluated_when_resumed(
    run_tool, hooked_config, repository, tmp_path
):
    config = hooked_config(f"dict(type='KillBeforeEvaluation', marker={str(tmp_path / 'killed')!r})")
    with open(config, 'a') as file:
        file.write(
            "val_cfg = dict(type='ValLoop')\nval_dataloader = _base_.test_dataloader\n"
            'val_evaluator = _base_.test_evaluator\ntrain_cfg = dict(max_iters=2)\n'
        )
    path = f'{repository}:{repository / "tests" / "tools"}'
    killed = run_tool(
        'train.py', config, '--work-dir', 'run', cwd=tmp_path, check=False, PYTHONPATH=path
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-4000:]
    assert last_checkpoint(tmp_path / 'run').path.endswith('iter_2.pth')
    assert logged(tmp_path / 'run', 'coco/bbox_mAP') == {}
    run_tool('train.py', config, '--work-dir', 'run', '--resume', cwd=tmp_path, PYTHONPATH=path)
    assert len(logged(tmp_path / 'run', 'coco/bbox_mAP')) == 1
    run_tool('train.py', config, '--work-dir', 'other', cwd=tmp_path, PYTHONPATH=path)
    evaluations = [entry for entry in logged_entries(tmp_path / 'other') if 'coco/bbox_mAP' in entry]
    assert len(evaluations) == 1  # what trains to its end is evaluated once


def test_mim_adds_no_old_flags(command):
    """mim adds ``--gpus`` or ``--device cpu`` for scripts whose help names ``--gpus``."""
    code, said, _ = command('train', '-h')
    assert code == 0
    assert '--resume' in said
    assert '--gpus' not in said
