"""The set-up's messages, wheel keys, locks and stamps; nothing here uses the network."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'environment'))

import commands  # noqa: E402
import mmcv_wheel  # noqa: E402
import prepare  # noqa: E402

FACTS = dict(
    python='cp311',
    platform='linux-x86_64',
    include='/usr/include',
    torch='2.12.1+cu130',
    cuda='13.0',
    gpu=False,
    capability=None,
    cuda_home=None,
)


@pytest.fixture
def profile(tmp_path):
    folder = tmp_path / 'venv'
    folder.mkdir()
    return prepare.Profile('default', folder, ROOT / 'requirements' / 'default.txt', 8)


def run_shell(tmp_path, *versions, **environment):
    """Runs setup_env.sh with a PATH of stub Pythons, {name: version}."""
    for name, version in dict(versions).items():
        stub = tmp_path / name
        stub.write_text(f'#!/bin/sh\ncase "$1" in -c) printf {version} ;; *) echo ran "$@" ;; esac\n')
        stub.chmod(0o755)
    for tool in ('bash', 'dirname'):
        if not (tmp_path / tool).exists():
            (tmp_path / tool).symlink_to(
                f'/bin/{tool}' if os.path.exists(f'/bin/{tool}') else f'/usr/bin/{tool}'
            )
    return subprocess.run(
        [str(tmp_path / 'bash'), str(ROOT / 'tools' / 'setup_env.sh')],
        capture_output=True,
        text=True,
        env={'PATH': str(tmp_path), **environment},
    )


@pytest.mark.parametrize('version', ['2.7', '3.9', '3.13'])
def test_unfit_python_is_one_sentence(tmp_path, version):
    result = run_shell(tmp_path, ('python3', version))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert f'Python 3.10, 3.11 or 3.12 is needed, but python3 is {version};' in line


def test_no_python_is_one_sentence(tmp_path):
    (line,) = run_shell(tmp_path).stderr.splitlines()
    assert 'no Python was found' in line


def test_python_variable_wins_and_a_wrong_one_is_said(tmp_path):
    versions = ('python3.11', '3.11'), ('mine', '3.10')
    assert 'ran' in run_shell(tmp_path, *versions, PYTHON='mine').stdout
    (line,) = run_shell(tmp_path, *versions, PYTHON='other').stderr.splitlines()
    assert 'PYTHON=other does not run' in line


def test_fitting_python_behind_a_new_one_is_found(tmp_path):
    result = run_shell(tmp_path, ('python3', '3.13'), ('python3.12', '3.12'))
    assert result.returncode == 0
    assert 'prepare.py' in result.stdout


@pytest.mark.parametrize('version', [(3, 9), (3, 13)])
def test_prepare_checks_python_too(monkeypatch, version):
    monkeypatch.setattr(prepare.sys, 'version_info', (*version, 0))
    with pytest.raises(commands.SetupError, match=r'3.10, 3.11 or 3.12 is needed'):
        prepare.check_python()


def test_no_compiler(monkeypatch, tmp_path):
    monkeypatch.delenv('CXX', raising=False)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(commands.SetupError, match='no C\\+\\+ compiler was found'):
        mmcv_wheel.find_compiler()
    with pytest.raises(commands.SetupError, match='python3-dev'):
        mmcv_wheel.check_headers(tmp_path)


def test_no_compiler_is_said_before_anything_is_made(monkeypatch, tmp_path, profile):
    monkeypatch.delenv('CXX', raising=False)
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.setattr(prepare, 'check_disk', lambda profile: None)
    with pytest.raises(commands.SetupError, match='compiler'):
        prepare.prepare(profile, tmp_path / 'wheels')
    assert not list(profile.folder.iterdir())


def test_full_disk(monkeypatch, tmp_path):
    with pytest.raises(commands.SetupError, match=r'needs about 1e\+09 GB, but only .* are free'):
        commands.check_free_disk(tmp_path / 'not' / 'there', 1e9, 'this')
    commands.check_free_disk(tmp_path, 0, 'this')


@pytest.mark.parametrize(
    ('output', 'sentence'),
    [
        ('ERROR: [Errno 28] No space left on device', 'the disk is full'),
        (str(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))), 'the disk is full'),
        ('NewConnectionError: Temporary failure in name resolution', 'index cannot be reached'),
        ('Max retries exceeded\nERROR: No matching distribution found for torch', 'cannot be reached'),
        ('ERROR: No matching distribution found for torch==2.12.1', 'does not have a pinned version'),
        ('fatal error: Python.h: No such file or directory', 'Python headers'),
        ('something else', 'a step failed'),
    ],
)
def test_output_of_a_failure_becomes_a_sentence(output, sentence):
    explained = commands.explain(output, 'installing packages')
    assert sentence in explained
    assert 'installing packages' in explained
    assert '\n' not in explained


def test_failed_command_names_its_log_and_shows_the_tail(tmp_path, capsys):
    log = tmp_path / 'log'
    script = 'print(*range(40), sep="\\n"); raise SystemExit(3)'
    with pytest.raises(commands.SetupError, match=f'the log is {log}'):
        commands.run_logged([sys.executable, '-c', script], log, 'counting')
    assert '39' in capsys.readouterr().err
    assert '\n0\n' in log.read_text()


def test_wheel_key_tells_builds_apart():
    cpu, warning = mmcv_wheel.target_from(FACTS)
    assert warning is None
    key = cpu.key('onedl-mmcv==2.3.6')
    assert key == 'onedl-mmcv-2.3.6-cp311-linux-x86_64-torch2.12.1+cu130-cpu'
    others = [
        mmcv_wheel.target_from(FACTS | change)[0].key('onedl-mmcv==2.3.6')
        for change in (dict(python='cp312'), dict(torch='2.5.1'), dict(platform='linux-a'))
    ]
    cuda = mmcv_wheel.Target('cp311', 'linux-x86_64', '2.12.1+cu130', '13.0', '9.0', '')
    others += [cpu.key('mmcv==2.1.0'), cuda.key('onedl-mmcv==2.3.6')]
    assert len({key, *others}) == 6
    assert cuda.key('onedl-mmcv==2.3.6').endswith('-cu13.0-sm9.0')


@pytest.mark.parametrize(
    ('nvcc', 'cuda', 'said'),
    [
        ('13.0', '13.0', None),
        ('13.1', '13.0', None),
        ('12.4', None, 'nvcc is of CUDA 12.4'),
        (None, None, 'no nvcc was found'),
    ],
)
def test_cuda_operators_need_a_gpu_and_its_nvcc(monkeypatch, nvcc, cuda, said):
    monkeypatch.setattr(mmcv_wheel, 'nvcc_version', lambda home: nvcc)
    target, warning = mmcv_wheel.target_from(FACTS | dict(gpu=True, capability=[9, 0]))
    assert target.cuda == cuda
    assert target.arch == ('9.0' if cuda else None)
    assert warning is None if said is None else said in warning
    env = mmcv_wheel.build_environment(target)
    assert env['FORCE_CUDA'] == ('1' if cuda else '0')
    assert (env.get('TORCH_CUDA_ARCH_LIST') == '9.0') == bool(cuda)


def test_wheel_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv('MMDET_EFPN_WHEEL_DIR', str(tmp_path))
    assert mmcv_wheel.default_wheel_dir() == tmp_path
    monkeypatch.delenv('MMDET_EFPN_WHEEL_DIR')
    monkeypatch.setenv('XDG_CACHE_HOME', '/cache')
    assert mmcv_wheel.default_wheel_dir() == Path('/cache/mmdet_efpn/wheels')


def test_two_set_ups_build_a_wheel_once(monkeypatch, tmp_path):
    builds = []

    def build(python, mmcv, target, folder, log):
        builds.append(folder)
        time.sleep(0.3)
        (folder / 'mmcv-1-cp311.whl').touch()
        return folder / 'mmcv-1-cp311.whl'

    monkeypatch.setattr(mmcv_wheel, 'probe', lambda python: mmcv_wheel.target_from(FACTS))
    monkeypatch.setattr(mmcv_wheel, 'build_wheel', build)
    for name in ('find_compiler', 'check_headers', 'check_free_disk'):
        monkeypatch.setattr(mmcv_wheel, name, lambda *arguments: None)
    made = []
    threads = [
        threading.Thread(
            target=lambda: made.append(
                mmcv_wheel.ensure_wheel('python', 'mmcv==1', tmp_path, tmp_path / 'log')
            )
        )
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert made[0] == made[1]


def test_lock_of_a_killed_holder_is_free(tmp_path):
    holder = subprocess.Popen(
        [
            sys.executable,
            '-c',
            'import fcntl, sys, time; f = open(sys.argv[1], "w"); '
            'fcntl.flock(f, fcntl.LOCK_EX); print("held", flush=True); time.sleep(60)',
            str(tmp_path / 'lock'),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout.readline() == 'held\n'
    holder.kill()
    holder.wait()
    with commands.locked(tmp_path / 'lock', 'this'):
        pass


def test_lock_is_kept_by_a_command_that_outlives_the_set_up(tmp_path, capsys):
    set_up = (
        f'import sys; sys.path.insert(0, {str(ROOT / "tools" / "environment")!r})\n'
        'import pathlib, commands; folder = pathlib.Path(sys.argv[1])\n'
        'with commands.locked(folder / "lock", "this"):\n'
        '    commands.run_logged(["sleep", "1.5"], folder / "log", "sleeping")\n'
    )
    killed = subprocess.Popen([sys.executable, '-c', set_up, str(tmp_path)])
    while not (tmp_path / 'log').exists():
        time.sleep(0.05)
    time.sleep(0.2)
    killed.kill()
    killed.wait()
    with commands.locked(tmp_path / 'lock', 'this'):
        pass
    assert 'another set-up is at work on this' in capsys.readouterr().out


def test_interrupted_build_keeps_its_sources(tmp_path):
    (tmp_path / 'sources').mkdir()
    (tmp_path / 'sources' / 'done.o').touch()
    sources = mmcv_wheel.fetch_sources('python', 'mmcv==1', tmp_path, tmp_path / 'log')
    assert (sources / 'done.o').exists()


def test_every_profile_pins_everything():
    for path in (ROOT / 'requirements').glob('*.txt'):
        pins, mmcv = prepare.read_pins(path)
        assert all('==' in pin for pin in [*pins, mmcv])
        assert 'opencv-python' not in [pin.split('==')[0] for pin in pins]


def test_stamp_makes_the_second_run_do_nothing(monkeypatch, profile, tmp_path):
    prepare.write_stamp(profile, prepare.wanted_stamp(profile))
    monkeypatch.setattr(prepare, 'runs', lambda python, code: True)
    assert prepare.prepare(profile, tmp_path) == []


@pytest.mark.parametrize(
    ('changed', 'repeated'),
    [('packages', ['packages', 'mmcv', 'project']), ('mmcv', ['mmcv']), ('project', ['project'])],
)
def test_changed_stamp_repeats_its_steps(monkeypatch, profile, tmp_path, changed, repeated):
    for name in ('check_disk', 'find_compiler', 'run_logged'):
        monkeypatch.setattr(prepare, name, lambda *arguments, **options: None)
    monkeypatch.setattr(prepare, 'runs', lambda python, code: True)
    ran = []
    for step in ('packages', 'mmcv', 'project'):
        monkeypatch.setattr(prepare, f'install_{step}', lambda *arguments, step=step: ran.append(step))
    prepare.write_stamp(profile, prepare.wanted_stamp(profile) | {changed: 'before'})
    assert prepare.prepare(profile, tmp_path) == ran == repeated
    assert prepare.read_stamp(profile) == prepare.wanted_stamp(profile)


def test_interrupted_step_is_repeated_and_finished_ones_are_not(monkeypatch, profile, tmp_path):
    for name in ('check_disk', 'find_compiler', 'run_logged', 'install_packages'):
        monkeypatch.setattr(prepare, name, lambda *arguments, **options: None)
    monkeypatch.setattr(prepare, 'make_venv', lambda *arguments: False)
    monkeypatch.setattr(prepare, 'runs', lambda python, code: True)

    def cut_off(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(prepare, 'install_mmcv', cut_off)
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(profile, tmp_path)
    monkeypatch.setattr(prepare, 'install_mmcv', lambda *arguments: None)
    monkeypatch.setattr(prepare, 'install_project', lambda *arguments: None)
    assert prepare.prepare(profile, tmp_path) == ['mmcv', 'project']


def test_broken_stamp_counts_as_none(profile):
    (profile.folder / 'stamp.json').write_text('{"packages": ')
    assert prepare.read_stamp(profile) == {}


def test_half_installed_packages_are_dropped(tmp_path):
    site_packages = tmp_path / 'lib' / 'python3.11' / 'site-packages'
    for name, record in (('cut-1.dist-info', False), ('whole-1.dist-info', True)):
        (site_packages / name).mkdir(parents=True)
        (site_packages / name / 'METADATA').touch()
        if record:
            (site_packages / name / 'RECORD').touch()
    prepare.drop_half_installed(tmp_path)
    assert [path.name for path in site_packages.iterdir()] == ['whole-1.dist-info']


def test_status_is_sparse_without_a_terminal(capsys):
    now = [0.0]
    status = commands.Status(clock=lambda: now[0])
    for second in range(40):
        now[0] = float(second)
        status.show(f'[{second}/78] compiled')
    status.close()
    assert capsys.readouterr().out.count('compiled') == 2
