"""Makes the environment of this checkout: .venv, or .venv-originals beside it.

Every step can be interrupted and run again. A stamp in the environment says what it was made from;
while that is unchanged, a run only checks that the packages are still there.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from commands import (
    GIB,
    SetupError,
    Status,
    check_free_disk,
    explain,
    locked,
    run_logged,
    say,
)
from mim_folder import mim_files
from mmcv_wheel import (
    default_wheel_dir,
    ensure_wheel,
    find_compiler,
    machine_note,
    wheel_may_exist,
)

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ((3, 10), (3, 13))
DOWNLOAD_GIB = 3
MMCV_NAMES = ('mmcv', 'onedl-mmcv')

# Finds the packages without running them; a second, so that make can ask at every call.
QUICK_CHECK = """
import importlib.util as u
for name in ("torch", "torchvision", "timm", "mmengine", "mmcv", "mmdet", "mmdet_efpn",
             "pytest", "xdist"):
    assert u.find_spec(name) and u.find_spec(name).origin, name
"""
# An mmcv and a torch that don't belong together show only when an operator runs.
FULL_CHECK = """
import torch, torchvision, timm, matplotlib.pyplot, pytest, xdist
from mmcv.ops import nms
nms(torch.tensor([[0., 0., 9., 9.]]), torch.tensor([1.]), 0.5)
import mmdet.apis, mmdet.datasets, mmdet.evaluation, mmdet.models
"""


@dataclass(frozen=True)
class Profile:
    """One environment: its folder, its pins, and the disk space that it takes."""

    name: str
    folder: Path
    pins: Path
    gib: float


def profile_named(name, root=ROOT):
    folder = root / ('.venv' if name == 'default' else f'.venv-{name}')
    return Profile(name, folder, root / 'requirements' / f'{name}.txt', 8)


def read_pins(path):
    """Returns (pins without mmcv, mmcv's pin as ``name==version``)."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    pins = [line for line in lines if line and not line.startswith('#')]
    mmcv = [pin for pin in pins if pin.split('==')[0] in MMCV_NAMES]
    if len(mmcv) != 1:
        raise SetupError(f'{path} must pin mmcv or onedl-mmcv once, and pins {mmcv}')
    return [pin for pin in pins if pin not in mmcv], mmcv[0]


def digest(*texts):
    return hashlib.sha256('\0'.join(texts).encode()).hexdigest()[:16]


def wanted_stamp(profile, root=ROOT):
    """What the environment is made from, step by step; a changed entry repeats its step."""
    backend = sorted((root / 'tools' / 'environment').glob('mim_*.py'))
    sources = [root / 'setup.cfg', root / 'pyproject.toml', *backend]
    texts = [path.read_text() for path in sources]
    return {
        'packages': digest(profile.pins.read_text()),
        'mmcv': [read_pins(profile.pins)[1], *machine_note()],
        'project': digest(str(root), *texts, *mim_files(root)),
    }


def read_stamp(profile):
    try:
        return json.loads((profile.folder / 'stamp.json').read_text())
    except (OSError, ValueError):
        return {}


def write_stamp(profile, stamp):
    temporary = profile.folder / 'stamp.tmp'
    temporary.write_text(json.dumps(stamp, indent=1))
    temporary.replace(profile.folder / 'stamp.json')


def runs(python, code):
    """Whether ``python -c code`` ends well."""
    try:
        return subprocess.run([str(python), '-I', '-c', code], capture_output=True).returncode == 0
    except OSError:
        return False


def check_python():
    if not PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]:
        raise SetupError(
            'Python 3.10, 3.11 or 3.12 is needed, but this is '
            f'{sys.version_info[0]}.{sys.version_info[1]}'
        )


def check_disk(profile):
    """Raises SetupError if the disk can't take the environment and pip's downloads for it."""
    doing = f'the environment {profile.folder.name}'
    there = sum(path.lstat().st_size for path in profile.folder.rglob('*')) / GIB
    check_free_disk(profile.folder, round(max(1, profile.gib - there), 1), doing)
    check_free_disk(tempfile.gettempdir(), DOWNLOAD_GIB, f'downloading for {doing}')


def make_venv(profile, python, log):
    """Makes the virtual environment unless one is there that works; returns whether it did."""
    if runs(python, f'import sys, pip; assert {PYTHONS[0]} <= sys.version_info[:2] < {PYTHONS[1]}'):
        return False
    say(f'making {profile.folder.name} with Python {sys.version.split()[0]} (10 seconds)')
    for part in ('bin', 'lib', 'lib64', 'include', 'stamp.json'):
        path = profile.folder / part
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(True)
    try:
        run_logged([sys.executable, '-m', 'venv', profile.folder], log, 'making the environment')
    except SetupError as error:
        raise SetupError(f'{error}; on Debian, venv needs the package python3-venv') from error
    return True


def drop_half_installed(folder):
    """Removes the metadata of packages whose installation was cut off, so that pip repeats it."""
    for info in folder.glob('lib/python3*/site-packages/*.dist-info'):
        if not (info / 'RECORD').exists():
            shutil.rmtree(info)


def install_packages(profile, python, log):
    pins, _ = read_pins(profile.pins)
    drop_half_installed(profile.folder)
    say(f'installing {len(pins)} pinned packages, torch among them (1 to 3 minutes)')
    listed = profile.folder / 'pins.txt'
    listed.write_text('\n'.join(pins))
    status = Status()

    def on_line(line):
        words = line.split()
        if words[:1] in (['Collecting'], ['Installing']):
            status.show(' '.join(words[:2]).split('==')[0])

    # setuptools first: what comes as source is built with it, without an environment of its own
    tools = [pin for pin in pins if pin.split('==')[0] in ('setuptools', 'wheel')]
    # --no-compile: bytecode of what is used is written at first use, the rest (a minute) is spared
    pip = [python, '-m', 'pip', 'install', '--no-deps', '--no-compile']
    run_logged([*pip, *tools], log, 'installing packages')
    run_logged([*pip, '--no-build-isolation', '-r', listed], log, 'installing packages', on_line)
    status.close()


def install_mmcv(profile, python, wheel_dir, log):
    wheel = ensure_wheel(python, read_pins(profile.pins)[1], wheel_dir, log)
    run_logged(
        [python, '-m', 'pip', 'install', '--no-deps', '--no-cache-dir', '--force-reinstall', wheel],
        log,
        'installing mmcv',
    )


def install_project(python, log):
    """Installs the checkout, editable, and lets mim find it.

    onedl-mim takes an editable package's whole checkout for the package and searches it for config
    names, so the copies that training leaves in work_dirs would make a name ambiguous. Its entry is
    pointed at the folder in site-packages that holds ``.mim``.
    """
    say('installing mmdet_efpn (10 seconds)')
    run_logged(
        [
            python,
            '-m',
            'pip',
            'install',
            '--no-deps',
            '--no-cache-dir',
            '--no-build-isolation',
            '-e',
            ROOT,
        ],
        log,
        'installing mmdet_efpn',
    )
    (site_packages,) = Path(python).parents[1].glob('lib/python3*/site-packages')
    (origin,) = site_packages.glob('mmdet_efpn-*.dist-info/direct_url.json')
    entry = json.loads(origin.read_text())
    entry['url'] = (site_packages / 'mmdet_efpn').as_uri()
    origin.write_text(json.dumps(entry))


def prepare(profile, wheel_dir):
    """Brings the environment up to its pins, step by step; returns what was done."""
    python, log = profile.folder / 'bin' / 'python', profile.folder / 'setup.log'
    wanted, done = wanted_stamp(profile), read_stamp(profile)
    if done == wanted and runs(python, QUICK_CHECK):
        return []
    if 'packages' not in done:
        check_disk(profile)
    if done.get('mmcv') != wanted['mmcv'] and not wheel_may_exist(wheel_dir, wanted['mmcv'][0]):
        find_compiler()
    profile.folder.mkdir(exist_ok=True)
    new = make_venv(profile, python, log)
    if new or done == wanted or done.get('packages') != wanted['packages']:
        done = {}  # a new torch asks for its own mmcv
    steps = {
        'packages': lambda: install_packages(profile, python, log),
        'mmcv': lambda: install_mmcv(profile, python, wheel_dir, log),
        'project': lambda: install_project(python, log),
    }
    stale = [step for step in steps if done.get(step) != wanted[step]]
    for step in stale:
        done.pop(step, None)
        write_stamp(profile, done)
        steps[step]()
        done[step] = wanted[step]
        write_stamp(profile, done | {'checked': False})
    say('checking that everything imports (10 seconds)')
    run_logged([python, '-c', FULL_CHECK], log, 'importing torch, mmcv and mmdet')
    write_stamp(profile, wanted)
    return stale


def main(arguments=None):
    parser = argparse.ArgumentParser(description='Makes the environment of this checkout.')
    parser.add_argument(
        '--profile',
        choices=('default', 'originals'),
        default='default',
        help='the maintained forks in .venv, or the originals in .venv-originals',
    )
    profile = profile_named(parser.parse_args(arguments).profile)
    start = time.monotonic()
    try:
        check_python()
        with locked(profile.folder / 'lock', profile.folder):
            steps = prepare(profile, default_wheel_dir())
    except SetupError as error:
        print(f'set-up: {error}', file=sys.stderr)
        return 1
    except OSError as error:
        print(f'set-up: {explain(str(error), "writing files")}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('set-up: interrupted; the same command goes on from here', file=sys.stderr)
        return 130
    if steps:
        say(f'{profile.folder.name} is ready after {time.monotonic() - start:.0f} s')
    return 0


if __name__ == '__main__':
    sys.exit(main())
