"""Reading configs by their path, or by their name in an installed package."""

import importlib.util
from pathlib import Path

from mmengine.config import Config


def config_path(config: str | Path) -> Path:
    """The file of a config: its path, or ``package::path/in/configs.py`` of an installed package.

    Raises:
        FileNotFoundError: There is no such package or file.
    """
    path = Path(config)
    if '::' in str(config):
        package, _, inner = str(config).partition('::')
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise FileNotFoundError(f'{config}: the package {package} is not installed')
        path = Path(spec.origin).parent / '.mim' / 'configs' / inner
    if not path.is_file():
        raise FileNotFoundError(f'config not found: {config} (looked at {path})')
    return path


def read_config(config: str | Path) -> Config:
    """Reads a config from its path or its name in a package; errors as :func:`config_path`.

    Raises:
        ImportError: A module in the config's ``custom_imports`` cannot be imported.
    """
    path = str(config_path(config))
    try:
        return Config.fromfile(path)
    except ImportError as error:
        settings = Config.fromfile(path, import_custom_modules=False).get('custom_imports') or {}
        raise ImportError(
            f'{config}: its custom_imports are {settings.get("imports")}, which cannot be imported; '
            'install what they belong to, or add its folder to PYTHONPATH'
        ) from error
