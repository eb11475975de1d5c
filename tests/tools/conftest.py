"""Helpers for tests that run the command lines in child processes."""
import subprocess
import sys

import pytest


@pytest.fixture(scope='session')
def run_tool(repository, child_environment):
    """Function that runs ``tools/NAME ARGUMENTS...`` in folder ``cwd``; NAME ends in .py or .sh."""

    def run(name, *arguments, cwd, check=True, **environment):
        interpreter = sys.executable if name.endswith('.py') else 'bash'
        done = subprocess.run(
            [interpreter, str(repository / 'tools' / name), *map(str, arguments)],
            cwd=cwd, env=dict(child_environment, **environment), capture_output=True, text=True,
            timeout=300)
        assert not check or done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done

    return run


@pytest.fixture(scope='session')
def hooked_config(tmp_path_factory, tiny_config):
    """Function that writes the tiny config plus one hook of ``run_hooks.py``; gives its path."""

    def write(hook: str):
        path = tmp_path_factory.mktemp('hooked') / 'tiny_hooked.py'
        path.write_text(f"_base_ = '{tiny_config}'\n"
                        "custom_imports = dict(imports=['mmdet_efpn', 'run_hooks'],\n"
                        '                      allow_failed_imports=False)\n'
                        f'custom_hooks = [{hook}]\n')
        return path

    return write


@pytest.fixture(scope='session')
def uninterrupted_run(run_tool, tiny_config, tmp_path_factory):
    """Work folder of a whole tiny training run."""
    folder = tmp_path_factory.mktemp('uninterrupted')
    run_tool('train.py', tiny_config, '--work-dir', 'run', '--cfg-options',
             'optim_wrapper.optimizer.momentum=0.8', cwd=folder)
    return folder / 'run'
