"""What to do where pretrained weights cannot be downloaded."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from ..utils.config_parts import typed_parts
from ..utils.errors import UserError
from ..utils.pretrained import pretrained_weights

_NETWORK_PACKAGES = ('urllib', 'http', 'requests', 'httpx', 'huggingface_hub', 'socket', 'ssl')


@contextlib.contextmanager
def explained_downloads(cfg: Config) -> Iterator[None]:
    """Turns a failed download of a config's pretrained weights into one sentence with the ways out.

    Raises:
        UserError: The body failed at the network, and the config names weights that are no local file.
    """
    try:
        yield
    except Exception as error:
        remote = [
            (key, source)
            for key, source in pretrained_weights(cfg.get('model', {}), 'model')
            if not Path(source).is_file()
        ]
        if not remote or not _is_of_the_network(error):
            raise
        key, source = remote[0]
        raise UserError(
            f'the pretrained weights {source} ({key}) could not be downloaded: {error}. Without a '
            f'network, give a file that you have: --cfg-options {_file_key(cfg, key)}=FILE; or train '
            'without pretrained weights: --from-scratch'
        ) from error


def _file_key(cfg: Config, key: str) -> str:
    """The config key that takes a file in the place of ``key``; ``pretrained=True`` takes none."""
    where, _, name = key.rpartition('.')
    part = dict(typed_parts(cfg.model, 'model')).get(where, {})
    return f'{where}.checkpoint_path' if part.get(name) is True else key


def _is_of_the_network(error: BaseException | None) -> bool:
    while error is not None:
        package = type(error).__module__.partition('.')[0]
        if package in _NETWORK_PACKAGES or isinstance(error, (ConnectionError, TimeoutError)):
            return True
        error = error.__cause__ or error.__context__
    return False
