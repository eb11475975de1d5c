"""The command line as a whole: its list, its help, its errors, its speed."""

import re
import subprocess
import sys
import time

import pytest

import mmdet_efpn
from mmdet_efpn.cli.main import COMMANDS, command_parser

IMPORTED = "import sys; sys.exit('torch' in sys.modules or 'mmengine' in sys.modules)"


def run(*words, **options):
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=120, **options
    )


def test_the_list_names_every_command(command):
    code, said, _ = command('--help')
    assert code == 0
    assert re.findall(r'^  ([a-z-]+)  ', said, re.MULTILINE) == list(COMMANDS)
    assert command()[0] == 2
    assert command('--version')[1] == f'mmdet-efpn {mmdet_efpn.__version__}\n'


@pytest.mark.parametrize('name', COMMANDS)
def test_help_of_every_command(name, command):
    code, said, _ = command(name, '--help')
    assert code == 0
    assert said.startswith(f'usage: mmdet-efpn {name}')
    assert '--debug' in said
    undescribed = [
        action.dest
        for action in command_parser(name)._actions
        if not action.help and action.dest != 'format'
    ]
    assert undescribed == []


@pytest.mark.parametrize('words', [['-m', 'mmdet_efpn'], ['-m', 'mmdet_efpn.cli'], ['tools/train.py']])
def test_help_imports_no_torch(words, repository, child_environment, tmp_path):
    # sitecustomize runs in the child; at its end it looks for what was imported.
    (tmp_path / 'sitecustomize.py').write_text(
        "import atexit, os, sys\natexit.register(lambda: 'torch' in sys.modules and os._exit(7))\n"
    )
    environment = dict(child_environment, PYTHONPATH=f'{tmp_path}:{child_environment["PYTHONPATH"]}')
    help_of = [] if words[0].startswith('tools') else ['train']
    done = run(*words, *help_of, '--help', cwd=repository, env=environment)
    assert done.returncode == 0, done.stderr
    assert 'usage: mmdet-efpn train' in done.stdout


def test_help_comes_within_the_time_of_importing_torch(repository, child_environment):
    start = time.perf_counter()
    run('-m', 'mmdet_efpn', 'train', '--help', cwd=repository, env=child_environment)
    helped = time.perf_counter()
    run('-c', 'import torch', cwd=repository, env=child_environment)
    assert helped - start < time.perf_counter() - helped


def test_importing_the_package_registers_its_modules(repository, child_environment):
    code = "import mmdet_efpn; from mmdet.registry import MODELS; assert MODELS.get('EFPN')"
    assert run('-c', code, cwd=repository, env=child_environment).returncode == 0


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['trian'], "no such command: 'trian' (invalid choice); did you mean train?"),
        (['train'], 'the following arguments are required: config'),
        (['train', 'a.py', '--work-dri', 'x'], 'did you mean --work-dir?'),
        (['train', 'a.py', '--cfg-options', 'a'], 'expected KEY=VALUE, got a'),
        (['recipe', 'a.py', '--ampp'], 'did you mean --amp?'),
        (['recipe', 'a.py', '--processes', '0'], 'must be a whole number from 1, got 0'),
        (['convert', 'deeppbc', 'a', 'b'], "invalid choice: 'deeppbc'"),
    ],
)
def test_wrong_words_are_one_line(words, said, command):
    code, _, error = command(*words)
    assert code == 2
    assert said in error
    assert error.count('\n') == 1


@pytest.mark.parametrize(
    'words',
    [('--debug', 'deeppcb', 'gone', 'out'), ('deeppcb', 'gone', 'out', '--debug')],
    ids=['before the format', 'at the end'],
)
def test_debug_stands_anywhere_in_convert(words, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match='gone'):
        command('convert', *words)


def test_former_module_warns_and_works(repository, child_environment, tmp_path):
    words = [
        '-m',
        'mmdet_efpn.plugin',
        'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py',
        str(tmp_path / 'a.py'),
    ]
    done = run(*words, cwd=repository, env=child_environment)
    assert done.returncode == 0, done.stderr
    assert 'mmdet_efpn.plugin is now mmdet_efpn.extend' in done.stderr
    assert (tmp_path / 'a.py').is_file()


def test_env_tells_versions_and_what_is_missing(command, monkeypatch):
    code, said, _ = command('env')
    assert code == 0
    assert said.startswith(f'mmdet-efpn {mmdet_efpn.__version__}\n')
    assert re.search(r'^torch \d', said, re.MULTILINE)
    assert 'mmcv operators: import' in said
    monkeypatch.setattr('mmdet_efpn.cli.env.OPTIONAL', {'no-such-package': 'nothing at all'})
    assert 'optional and missing: no-such-package (nothing at all)' in command('env')[1]
