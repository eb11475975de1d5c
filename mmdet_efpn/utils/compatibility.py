"""The version gate: says what is missing or out of range, and how to get it.

MMDetection and its two libraries come from one of two sets of distributions with the same import
names: the originals (``mmcv``, ``mmengine``, ``mmdet``) and the maintained ``onedl-`` forks. Both
work.
"""

import sys
import warnings
from dataclasses import dataclass
from importlib import metadata

from packaging.version import Version

PYTHON_RANGE = ('3.10', '3.13')
# torch 2.14 needs C++20 for extensions, mmcv builds its operators as C++17.
TORCH_RANGE = ('2.1', '2.14')
# From this torch on, torch.load refuses what mmengine 0.10.7 and older write into checkpoints.
TORCH_WEIGHTS_ONLY = '2.6'


@dataclass(frozen=True)
class Library:
    """One imported library, the distributions that provide it, and the versions that work.

    Attributes:
        module: Import name.
        fork: Name of the maintained distribution, or None where there is only one distribution.
        minimum: Lowest version that works.
        below: Lowest version that doesn't work any more.
        remedies: Commands that install a version that works.
    """

    module: str
    fork: str | None
    minimum: str
    below: str
    remedies: tuple[str, ...]

    @property
    def distributions(self):
        """Names of the distributions that provide it, the maintained one first."""
        return (self.module,) if self.fork is None else (self.fork, self.module)

    @property
    def wanted(self):
        """The versions that work, as a requirement says it."""
        return f'>={self.minimum},<{self.below}'


LIBRARIES = (
    Library(
        'torch',
        None,
        *TORCH_RANGE,
        remedies=(
            "pip install 'torch==2.12.1' 'torchvision==0.27.1'   (with the onedl forks)",
            "pip install 'torch==2.5.1' 'torchvision==0.20.1'   (with the originals)",
        ),
    ),
    Library(
        'mmengine',
        'onedl-mmengine',
        '0.10',
        '1',
        remedies=(
            "pip install 'onedl-mmengine>=0.10.12,<1'   (maintained fork)",
            "pip install 'mmengine>=0.10.7,<1'   (original; torch 2.1 to 2.5)",
        ),
    ),
    Library(
        'mmcv',
        'onedl-mmcv',
        '2.1',
        '3',
        remedies=(
            "pip install --no-build-isolation 'onedl-mmcv>=2.3.6,<3'   (maintained fork)",
            "mim install 'mmcv==2.1.0'   (original; torch 2.1 to 2.5)",
        ),
    ),
    Library(
        'mmdet',
        'onedl-mmdetection',
        '3.3',
        '4',
        remedies=(
            "pip install 'onedl-mmdetection>=3.5.1,<4'   (maintained fork)",
            "pip install 'mmdet==3.3.0'   (original; torch 2.1 to 2.5)",
        ),
    ),
)


def installed_versions(library):
    """Returns {distribution: version} of the library's distributions that are installed."""
    found = {}
    for distribution in library.distributions:
        try:
            found[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
    return found


def in_range(version, minimum, below):
    """Whether ``minimum <= version < below``; local parts and pre-release tags don't count."""
    release = Version(version).release
    return Version(minimum).release <= release < Version(below).release


def _problem_of(library):
    found = installed_versions(library)
    remedy = ''.join(f'\n    {command}' for command in library.remedies)
    if not found:
        missing = (
            'it is not installed'
            if library.fork is None
            else f'neither {library.fork} nor {library.module} is installed'
        )
        return f'{library.module} {library.wanted} is needed and {missing}. Get it with{remedy}'
    if len(found) > 1:
        both = ' and '.join(f'{name} {version}' for name, version in found.items())
        return (
            f'{both} are both installed and overwrite each other. Uninstall both '
            f'(pip uninstall {" ".join(found)}), then install one:{remedy}'
        )
    ((distribution, version),) = found.items()
    if not in_range(version, library.minimum, library.below):
        return (
            f'{distribution} {version} is installed, and {library.module} {library.wanted} '
            f'is needed. Get it with{remedy}'
        )
    return None


def find_problems():
    """Returns one paragraph for each thing that is missing or out of range, [] if all is well."""
    problems = []
    python = '.'.join(str(part) for part in sys.version_info[:3])
    if not in_range(python, *PYTHON_RANGE):
        problems.append(
            f'Python {python} is running, and Python >={PYTHON_RANGE[0]},<{PYTHON_RANGE[1]} is '
            'needed. Make an environment with one of these, for example python3.11 -m venv .venv'
        )
    problems += filter(None, map(_problem_of, LIBRARIES))
    if not problems and (mmcv_problem := _original_mmdet_wants_older_mmcv()):
        problems.append(mmcv_problem)
    return problems


def _original_mmdet_wants_older_mmcv():
    versions = {}
    for library in LIBRARIES:
        versions.update(installed_versions(library))
    mmcv = versions.get('mmcv') or versions.get('onedl-mmcv')
    if 'mmdet' in versions and not in_range(mmcv, '2.1', '2.2'):
        return (
            f'mmcv {mmcv} is installed, and the original mmdet {versions["mmdet"]} wants mmcv '
            ">=2.1,<2.2. Get it with\n    mim install 'mmcv==2.1.0'"
        )
    return None


def checkpoint_warning():
    """Returns a sentence if this torch can't load checkpoints of this mmengine, None if it can."""
    mmengine, torch = LIBRARIES[1], LIBRARIES[0]
    mmengine_version = installed_versions(mmengine).get('mmengine')
    torch_version = installed_versions(torch).get('torch')
    if mmengine_version is None or torch_version is None:
        return None
    if in_range(torch_version, TORCH_WEIGHTS_ONLY, TORCH_RANGE[1]):
        return (
            f'mmengine {mmengine_version} cannot load training checkpoints with torch '
            f'{torch_version}: torch.load reads weights only by default from torch '
            f'{TORCH_WEIGHTS_ONLY} on. Use torch below {TORCH_WEIGHTS_ONLY}, or '
            'the maintained fork (pip uninstall mmengine; pip install onedl-mmengine).'
        )
    return None


def check():
    """Raises ImportError if mmdet_efpn can't work here; warns about what works only in part."""
    problems = find_problems()
    if problems:
        raise ImportError(
            'mmdet_efpn cannot work in this environment.\n'
            + '\n'.join(f'- {problem}' for problem in problems)
        )
    if sentence := checkpoint_warning():
        warnings.warn(sentence, stacklevel=2)


def summary():
    """Returns one line for each library: distribution and version, and the range that works."""
    python = '.'.join(str(part) for part in sys.version_info[:3])
    lines = [f'python {python} (>={PYTHON_RANGE[0]},<{PYTHON_RANGE[1]})']
    for library in LIBRARIES:
        found = installed_versions(library) or {library.module: 'missing'}
        lines += [f'{name} {version} ({library.wanted})' for name, version in found.items()]
    return '\n'.join(lines)
