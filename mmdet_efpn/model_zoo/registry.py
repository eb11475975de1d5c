"""From a model's name to its file: trained detectors of the package, addresses, paths with a hash."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlparse

import torch

from ..utils.errors import MissingFileError, UserError
from ..utils.known_names import nearest

FOLDER = Path(__file__).parent
HASH = '#sha256='


class ZooModel(NamedTuple):
    """A trained detector that comes with the package.

    Attributes:
        file: Its packed model.
        sha256: The file's SHA-256, in hexadecimal digits.
        about: What it finds, in a sentence. Its folder's README.md is the model card.
    """

    file: Path
    sha256: str
    about: str

    @property
    def examples(self) -> Path:
        """Folder of a few pictures to try it on."""
        return self.file.with_name('examples')


def zoo_models() -> dict[str, ZooModel]:
    """The trained detectors that come with the package, by name."""
    entries = json.loads((FOLDER / 'models.json').read_text())
    return {
        name: ZooModel(FOLDER / one['file'], one['sha256'], one['about'])
        for name, one in entries.items()
    }


def resolve_model(name: str, only: bool = False) -> str:
    """The file that a model's name means, its hash checked.

    Args:
        name: A name of :func:`zoo_models`; or a path or an address of a packed model with its SHA-256,
            ``model.pth#sha256=...``. An address is downloaded once, to torch's folder of downloads.
        only: Whether anything else is an error. A file without a hash then passes.

    Returns:
        str: The file. Anything else comes back as it is.

    Raises:
        MissingFileError: There is no such file.
        UserError: The file has another hash, the download failed or, with ``only``, the name is unknown.
    """
    models = zoo_models()
    if name in models:
        return _checked(models[name].file, models[name].sha256)
    source, mark, digest = name.partition(HASH)
    if mark:
        if len(digest) != 64 or set(digest.lower()) - set('0123456789abcdef'):
            raise UserError(f'{name}: after {HASH} come 64 hexadecimal digits')
        path = _download(source, digest) if '://' in source else Path(source)
        return _checked(path, digest.lower())
    if only and '://' not in name and not Path(name).is_file():
        close = nearest(name, models)
        raise UserError(
            f'no model {name}: '
            + (f'did you mean {close}? ' if close else '')
            + f'there are {", ".join(sorted(models))}; or give a packed model: its path or address'
        )
    return name


def _checked(path: Path, digest: str) -> str:
    if not path.is_file():
        raise MissingFileError(f'no such file: {path}')
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != digest:
        raise UserError(
            f'{path} is not the file that was meant: its SHA-256 is {found}, expected {digest}. It may '
            'be damaged, or replaced: get it again'
        )
    return str(path)


def _download(address: str, digest: str) -> Path:
    folder = Path(torch.hub.get_dir()) / 'mmdet_efpn' / digest[:16].lower()
    path = folder / (Path(urlparse(address).path).name or 'model.pth')
    if path.is_file():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(address, str(path), digest.lower(), progress=False)
    except (URLError, OSError, ValueError) as error:
        raise UserError(f'{address} could not be downloaded: {error}') from None
    except RuntimeError as error:  # the hash
        raise UserError(f'{address} is not the file that was meant: {error}') from None
    return path
