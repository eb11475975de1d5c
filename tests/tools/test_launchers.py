"""The launch scripts: several processes on the CPU, and what Slurm is asked for."""

import os
import pickle
import subprocess
import sys

import ddp_gradients
import pytest
import torch
from mmengine.config import Config

from mmdet_efpn.engine import launch


@pytest.fixture(scope='module')
def two_process_run(run_tool, hooked_config, repository, tmp_path_factory):
    """Work folder of a run of two processes through dist_train.sh."""
    folder = tmp_path_factory.mktemp('two_processes')
    run_tool(
        'dist_train.sh',
        hooked_config("dict(type='SaveEachRank')"),
        2,
        '--work-dir',
        'run',
        '--cfg-options',
        'train_cfg.max_iters=4',
        cwd=folder,
        PYTHONPATH=f'{repository}:{repository / "tests" / "tools"}',
    )
    return folder / 'run'


def test_two_processes_end_with_equal_parameters(two_process_run):
    first, second = (torch.load(two_process_run / f'rank_{rank}.pth') for rank in (0, 1))
    start = torch.load(two_process_run / 'iter_2.pth', weights_only=False)['state_dict']
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], start[name]) for name in first)


def test_joint_distillation_on_two_processes(run_tool, hooked_config, repository, tmp_path):
    """Two views in one step: every parameter gets its gradient once, and both processes stay equal."""
    base = hooked_config("dict(type='SaveEachRank')")
    (tmp_path / 'joint.py').write_text(
        f'_base_ = {str(base)!r}\n'
        "model = dict(_delete_=True, type='CrossResolutionDistiller', detector=_base_.model, "
        'detection_loss=True)\n'
    )
    run_tool(
        'dist_train.sh',
        'joint.py',
        2,
        '--work-dir',
        'run',
        '--cfg-options',
        'train_cfg.max_iters=2',
        cwd=tmp_path,
        PYTHONPATH=f'{repository}:{repository / "tests" / "tools"}',
    )
    first, second = (torch.load(tmp_path / 'run' / f'rank_{rank}.pth') for rank in (0, 1))
    start = torch.load(tmp_path / 'run' / 'rank_0_start.pth')
    for name, parameter in first.items():
        assert torch.equal(parameter, second[name]), name
    moved = [name for name in first if not torch.equal(first[name], start[name])]
    for part in (
        'backbone.layer4.',
        'neck.fpn_convs.',
        'neck.extension.ftt.',
        'neck.extension.output_conv.',
        'rpn_head.',
        'roi_head.',
    ):
        assert any(f'.{part}' in name for name in moved), part


def test_two_processes_test_every_image_once(two_process_run, run_tool, tiny_config, tmp_path):
    run_tool(
        'dist_test.sh',
        tiny_config,
        two_process_run / 'iter_4.pth',
        2,
        '--work-dir',
        'run',
        '--out',
        'out.pkl',
        cwd=tmp_path,
    )
    predictions = pickle.loads((tmp_path / 'out.pkl').read_bytes())
    assert [p['img_id'] for p in predictions] == list(range(6))


def test_two_processes_have_the_joined_batchs_gradients(repository, child_environment, tmp_path):
    subprocess.run(
        [
            sys.executable,
            '-m',
            'torch.distributed.run',
            '--standalone',
            '--local-addr',
            '127.0.0.1',
            '--nproc-per-node',
            '2',
            str(repository / 'tests/tools/ddp_gradients.py'),
            str(tmp_path),
        ],
        env=child_environment,
        check=True,
        timeout=300,
    )
    model = ddp_gradients.build()
    ddp_gradients.loss(model(ddp_gradients.IMAGES)).backward()
    for rank in (0, 1):
        gradients = torch.load(tmp_path / f'gradients_{rank}.pth')
        for name, parameter in model.named_parameters():
            if parameter.grad is None:
                assert gradients[name] is None
            else:
                scale = parameter.grad.abs().max().clamp(min=1.0)
                torch.testing.assert_close(
                    gradients[name] / scale, parameter.grad / scale, rtol=0, atol=1e-5
                )


@pytest.mark.parametrize(
    ('script', 'arguments'),
    [
        ('dist_train.sh', ['config.py']),
        ('dist_test.sh', ['config.py', 'model.pth']),
        ('dist_train.sh', ['config.py', 'two']),
        ('dist_train.sh', ['config.py', '0']),
        ('dist_train_recipe.sh', ['recipe.py']),
        ('slurm_train_recipe.sh', ['partition', 'name']),
        ('slurm_train.sh', ['partition', 'name']),
        ('slurm_test.sh', ['partition', 'name', 'c.py']),
    ],
)
def test_wrong_arguments_print_the_usage(run_tool, tmp_path, script, arguments):
    done = run_tool(script, *arguments, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert f'usage: {script}' in done.stderr


@pytest.fixture
def recorded(run_tool, tmp_path):
    """Function that runs a launch script with a fake ``srun`` and Python; gives their arguments."""
    for name in ('srun', 'fake_python'):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\n')
        program.chmod(0o755)

    def run(script, *arguments, **environment):
        run_tool(
            script,
            *arguments,
            cwd=tmp_path,
            PATH=f'{tmp_path}:{os.environ["PATH"]}',
            **{'PYTHON': str(tmp_path / 'fake_python'), **environment},
        )
        return (tmp_path / 'arguments').read_text().splitlines()

    return run


def test_slurm_train_asks_for_the_machines(recorded, repository):
    asked = recorded(
        'slurm_train.sh',
        'gpu',
        'job',
        'config.py',
        'work',
        '--resume',
        '--cfg-options',
        'a=[1, 2]',
        GPUS='16',
        CPUS_PER_TASK='4',
        SRUN_ARGS='--time=10 --exclusive',
        PYTHON='python3',
    )
    assert asked == [
        '--partition=gpu',
        '--job-name=job',
        '--gres=gpu:8',
        '--ntasks=16',
        '--ntasks-per-node=8',
        '--cpus-per-task=4',
        '--kill-on-bad-exit=1',
        '--time=10',
        '--exclusive',
        'python3',
        '-u',
        str(repository / 'tools' / 'train.py'),
        'config.py',
        '--work-dir',
        'work',
        '--resume',
        '--cfg-options',
        'a=[1, 2]',
        '--launcher',
        'slurm',
    ]


def test_slurm_work_dir_may_be_left_out(recorded):
    asked = recorded('slurm_train.sh', 'gpu', 'job', 'config.py', '--amp', GPUS='2')
    assert '--ntasks-per-node=2' in asked
    assert asked[-4:] == ['config.py', '--amp', '--launcher', 'slurm']


def test_slurm_test_passes_the_checkpoint(recorded):
    asked = recorded('slurm_test.sh', 'gpu', 'job', 'config.py', 'model.pth', '--tta')
    assert asked[-5:] == ['config.py', 'model.pth', '--tta', '--launcher', 'slurm']


def test_recipes_are_run_with_their_launcher(recorded, repository):
    asked = recorded('dist_train_recipe.sh', 'recipe.py', '4', '--amp')
    tool = str(repository / 'tools' / 'train_recipe.py')
    assert asked == [tool, 'recipe.py', '--processes', '4', '--amp']
    asked = recorded('slurm_train_recipe.sh', 'gpu', 'job', 'recipe.py', '--amp')
    assert asked[1:] == ['recipe.py', '--slurm', 'gpu', 'job', '--amp']


def test_a_recipe_on_several_machines_needs_slurm(run_tool, tmp_path):
    done = run_tool('dist_train_recipe.sh', 'recipe.py', '4', cwd=tmp_path, check=False, NNODES='2')
    assert done.returncode == 2
    assert 'use slurm_train_recipe.sh' in done.stderr


def test_several_machines_meet_at_the_given_address(recorded):
    asked = recorded(
        'dist_train.sh',
        'config.py',
        '4',
        NNODES='2',
        NODE_RANK='1',
        PORT='29501',
        MASTER_ADDR='10.0.0.1',
    )
    assert asked[:10] == [
        '-m',
        'torch.distributed.run',
        '--nnodes',
        '2',
        '--node-rank',
        '1',
        '--master-addr',
        '10.0.0.1',
        '--master-port',
        '29501',
    ]


def test_one_machine_finds_a_free_port(recorded):
    asked = recorded('dist_train.sh', 'config.py', '4')
    assert '--standalone' in asked
    assert '--master-port' not in asked


def test_slurm_jobs_on_one_node_get_different_ports(monkeypatch):
    ports = set()
    for job in ('1001', '1002'):
        monkeypatch.setenv('SLURM_JOB_ID', job)
        ports.add(launch._default_port('slurm'))
    assert len(ports) == 2


def test_cpu_wrapper_keeps_what_the_config_says():
    cfg = Config(dict(find_unused_parameters=True))
    launch.wrap_for_cpu(cfg)
    assert cfg.model_wrapper_cfg == dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=True,
    )
    cfg = Config(dict(model_wrapper_cfg=dict(type='Own', static_graph=True)))
    launch.wrap_for_cpu(cfg)
    assert cfg.model_wrapper_cfg == dict(type='Own', static_graph=True)
