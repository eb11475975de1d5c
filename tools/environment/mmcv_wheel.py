"""Builds mmcv's operators once for each Python, torch and device, and keeps the wheel.

pip's own wheel cache keeps a built mmcv under its version alone and would hand a wheel that was
built against one torch to an environment with another, so it is never used here.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sysconfig
import tarfile
from dataclasses import dataclass
from pathlib import Path

from commands import SetupError, Status, check_free_disk, locked, run_logged, say

BUILD_GIB = 1.5
GIB_PER_JOB = 2  # memory that one compiler process of mmcv's operators may take
NINJA_COUNT = re.compile(r'\[(\d+)/(\d+)\]')

PROBE = """
import json, sys, sysconfig, torch
from torch.utils.cpp_extension import CUDA_HOME
gpu = torch.cuda.is_available()
print(json.dumps(dict(
    python="cp%d%d" % sys.version_info[:2], platform=sysconfig.get_platform(),
    include=sysconfig.get_path("include"), torch=torch.__version__, cuda=torch.version.cuda,
    gpu=gpu, capability=torch.cuda.get_device_capability() if gpu else None, cuda_home=CUDA_HOME)))
"""


@dataclass(frozen=True)
class Target:
    """What a wheel is built for; two targets with the same key can share a wheel.

    Attributes:
        python: Such as ``cp311``.
        platform: Such as ``linux-x86_64``.
        torch: torch's full version.
        cuda: CUDA version of the operators, None for CPU operators.
        arch: Compute capability of the present GPU such as ``9.0``, None for CPU operators.
        include: Folder of ``Python.h``.
    """

    python: str
    platform: str
    torch: str
    cuda: str | None
    arch: str | None
    include: str

    def key(self, mmcv):
        device = f'cu{self.cuda}-sm{self.arch}' if self.cuda else 'cpu'
        name = f'{mmcv}-{self.python}-{self.platform}-torch{self.torch}-{device}'
        return re.sub(r'[^A-Za-z0-9_.=+-]', '_', name).replace('==', '-')


def default_wheel_dir():
    """Folder of all keyed wheel folders: MMDET_EFPN_WHEEL_DIR, or one in the user's cache."""
    if chosen := os.environ.get('MMDET_EFPN_WHEEL_DIR'):
        return Path(chosen).expanduser().resolve()
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    return cache / 'mmdet_efpn' / 'wheels'


def probe(python):
    """Asks the environment's Python what it builds for; returns (Target, warning or None)."""
    output = subprocess.run([str(python), '-c', PROBE], capture_output=True, text=True)
    if output.returncode != 0:
        raise SetupError(
            f'torch does not import in the new environment: {output.stderr.strip().splitlines()[-1]}'
        )
    return target_from(json.loads(output.stdout.splitlines()[-1]))


def target_from(facts):
    """Chooses CUDA or CPU operators from the probe's facts; returns (Target, warning or None)."""
    common = dict(
        python=facts['python'],
        platform=facts['platform'],
        torch=facts['torch'],
        include=facts['include'],
    )
    if not facts['gpu']:
        return Target(cuda=None, arch=None, **common), None
    nvcc = nvcc_version(facts['cuda_home'])
    if nvcc is None or nvcc.split('.')[0] != facts['cuda'].split('.')[0]:
        found = 'no nvcc was found' if nvcc is None else f'nvcc is of CUDA {nvcc}'
        return Target(cuda=None, arch=None, **common), (
            f'there is a GPU, but {found} and torch needs CUDA {facts["cuda"]} to build mmcv for '
            'it; mmcv gets CPU operators, so run with CUDA_VISIBLE_DEVICES= (empty)'
        )
    arch = '.'.join(map(str, facts['capability']))
    return Target(cuda=facts['cuda'], arch=arch, **common), None


def nvcc_version(cuda_home):
    """Version of nvcc under ``cuda_home`` such as ``13.0``, None if it doesn't run."""
    nvcc = Path(cuda_home or '/nonexistent') / 'bin' / 'nvcc'
    try:
        output = subprocess.run([str(nvcc), '--version'], capture_output=True, text=True).stdout
    except OSError:
        return None
    match = re.search(r'release (\d+\.\d+)', output)
    return match.group(1) if match else None


def find_compiler():
    """Returns the C++ compiler that the build uses.

    Raises:
        SetupError: there is none.
    """
    chosen = os.environ.get('CXX')
    for name in [chosen.split()[0]] if chosen else ['c++', 'g++', 'clang++']:
        if shutil.which(name):
            return chosen or name
    raise SetupError(
        "no C++ compiler was found (c++, g++ or clang++), and mmcv's operators have "
        "to be built: install one, for example Debian's package g++"
    )


def check_headers(include):
    """Raises SetupError if the headers of this Python are not installed."""
    if not (Path(include) / 'Python.h').exists():
        raise SetupError(
            f"Python.h is not in {include}, and mmcv's operators have to be built: "
            "install the headers, for example Debian's package python3-dev"
        )


def wheel_may_exist(wheel_dir, mmcv):
    """Whether a wheel for the running Python is there; torch, not yet installed, isn't asked."""
    start = Target(sysconfig_python(), sysconfig.get_platform(), '', None, None, '').key(mmcv)
    prefix = start.rsplit('-torch', 1)[0]
    return any(wheel_dir.glob(f'{prefix}-*/*.whl'))


def sysconfig_python():
    return 'cp' + sysconfig.get_config_var('py_version_nodot')


def memory_gib():
    """Memory of this machine in GiB."""
    return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30


def build_environment(target):
    """Environment variables of the build: fast to compile, and CUDA only as the target says."""
    env = dict(os.environ)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    env.setdefault('MAX_JOBS', str(max(1, min(cores, int(memory_gib() // GIB_PER_JOB)))))
    env.setdefault('CFLAGS', '-O1 -g0')
    env['MMCV_WITH_OPS'] = '1'
    if target.cuda:
        env.update(FORCE_CUDA='1', TORCH_CUDA_ARCH_LIST=target.arch)
    else:
        env.update(FORCE_CUDA='0', CUDA_VISIBLE_DEVICES='')
    # ninja, which the build runs by name, lies beside the environment's Python
    return env


def ensure_wheel(python, mmcv, wheel_dir, log):
    """Returns the path of a wheel of ``mmcv`` (``name==version``) for ``python``'s torch.

    Builds it if the keyed folder has none. One build of a key runs at a time. The sources stay in
    the folder until the wheel is done, so that an interrupted build goes on where it stopped.
    """
    target, warning = probe(python)
    if warning:
        say(f'WARNING: {warning}')
    folder = wheel_dir / target.key(mmcv)
    with locked(folder / 'lock', f'mmcv in {folder}'):
        if wheels := sorted(folder.glob('*.whl')):
            say(f'mmcv: taking the wheel from {folder}')
            return wheels[-1]
        find_compiler()
        check_headers(target.include)
        check_free_disk(folder, BUILD_GIB, 'building mmcv')
        return build_wheel(python, mmcv, target, folder, log)


def build_wheel(python, mmcv, target, folder, log):
    """Builds the wheel inside ``folder`` and moves it to its place in one step."""
    building = folder / 'building'
    sources = fetch_sources(python, mmcv, building, log)
    env = build_environment(target)
    env['PATH'] = f'{Path(python).parent}{os.pathsep}{env.get("PATH", "")}'
    kind = f'for CUDA {target.cuda} on GPUs {target.arch}' if target.cuda else 'for the CPU'
    say(
        f'mmcv: building its operators {kind}, once for this machine '
        f'({env["MAX_JOBS"]} at a time; usually 4 to 8 minutes on 2 cores)'
    )
    status = Status()

    def on_line(line):
        if count := NINJA_COUNT.search(line):
            status.show(f'mmcv: [{count[1]}/{count[2]}] compiled')

    command = [
        python,
        '-m',
        'pip',
        'wheel',
        '--no-build-isolation',
        '--no-deps',
        '--no-cache-dir',
        '-v',
        '-w',
        building / 'out',
        sources,
    ]
    run_logged(command, log, 'building mmcv', on_line, env)
    status.close()
    (built,) = (building / 'out').glob('*.whl')
    wheel = folder / built.name
    os.replace(built, wheel)
    shutil.rmtree(building, ignore_errors=True)
    return wheel


def fetch_sources(python, mmcv, building, log):
    """Downloads and unpacks mmcv's sources; keeps what an interrupted build left."""
    done = building / 'sources'
    if done.is_dir():
        say('mmcv: going on with an interrupted build')
        return done
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    # pip reads a source package's metadata while downloading it, with the environment's setuptools
    run_logged(
        [
            python,
            '-m',
            'pip',
            'download',
            '--no-deps',
            '--no-build-isolation',
            '--no-cache-dir',
            '--no-binary',
            ':all:',
            '-d',
            building,
            mmcv,
        ],
        log,
        'downloading mmcv',
    )
    (archive,) = building.glob('*.tar.gz')
    with tarfile.open(archive) as tar:
        tar.extractall(building / 'unpacked')
    (unpacked,) = (building / 'unpacked').iterdir()
    os.replace(unpacked, done)
    return done


def machine_note():
    """What the quick check of a later run compares: changes when a GPU or nvcc comes or goes."""
    return [platform.machine(), bool(shutil.which('nvidia-smi')), bool(shutil.which('nvcc'))]
