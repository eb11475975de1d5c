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
    """Reads a config from its path or its name in a package; errors as :func:`config_path`."""
    return Config.fromfile(str(config_path(config)))
