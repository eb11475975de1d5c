"""Reading configs by their path, or by their name in an installed package."""

import importlib.util
from pathlib import Path

from mmengine.config import Config

from .errors import MissingFileError, MissingPackageError, UserError
from .known_names import nearest

_OWN = 'mmdet_efpn'


def config_path(config: str | Path) -> Path:
    """The file of a config: its path, or ``package::path/in/configs.py`` of an installed package.

    Raises:
        MissingFileError: There is no such package or file.
    """
    path = Path(config)
    if '::' in str(config):
        package, _, inner = str(config).partition('::')
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise MissingFileError(f'{config}: the package {package} is not installed')
        folder = Path(spec.origin).parent
        path = folder / '.mim' / 'configs' / inner
        if package == _OWN and not path.is_file():  # a checkout, which has no .mim folder
            path = folder.parent / 'configs' / inner
    if not path.is_file():
        near = nearest(path.name, [other.name for other in path.parent.glob('*.py')])
        raise MissingFileError(
            f'config not found: {config} (looked '
            + (f'at {path})' if '::' in str(config) else f'from {Path.cwd()})')
            + (f'; did you mean {near}?' if near else '')
        )
    return path


def read_config(config: str | Path) -> Config:
    """Reads a config from its path or its name in a package.

    Raises:
        MissingFileError: There is no such package or file.
        MissingPackageError: A module in the config's ``custom_imports`` cannot be imported.
        UserError: The file is no config: Python or MMEngine cannot read it.
    """
    path = str(config_path(config))
    try:
        return Config.fromfile(path)
    except ImportError as error:
        settings = Config.fromfile(path, import_custom_modules=False).get('custom_imports') or {}
        raise MissingPackageError(
            f'{config}: its custom_imports are {settings.get("imports")}, which cannot be imported; '
            'install what they belong to, or add its folder to PYTHONPATH'
        ) from error
    except Exception as error:
        # A config is a program: whatever it, its bases or MMEngine's reader raise.
        raise UserError(
            f'{config} cannot be read as a config: {type(error).__name__}: {error}'
        ) from error
