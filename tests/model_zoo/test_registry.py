"""Names, paths and addresses of trained detectors, and their hashes."""

import hashlib
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch

from mmdet_efpn.checkpoints import read_packed
from mmdet_efpn.model_zoo import registry, resolve_model, zoo_models
from mmdet_efpn.utils.errors import MissingFileError, UserError

NAMES = ('deeppcb', 'hit-uav')


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'small model.pth'
    path.write_bytes(b'some bytes')
    return path


@pytest.fixture
def address(file):
    """The file's folder, served on this machine."""
    server = ThreadingHTTPServer(
        ('127.0.0.1', 0), partial(SimpleHTTPRequestHandler, directory=str(file.parent))
    )
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


@pytest.fixture
def downloads(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    return tmp_path / 'hub'


def test_the_models_of_the_package():
    models = zoo_models()
    assert tuple(sorted(models)) == NAMES
    for name, model in models.items():
        assert resolve_model(name) == str(model.file)
        assert model.file.stat().st_size <= 8e6
        packed = read_packed(model.file)
        assert packed.half
        assert packed.command
        card = model.file.with_name('README.md').read_text()
        for part in ('licence', 'AP small', model.sha256, 'mmdet-efpn train'):
            assert part in card, (name, part)


def test_a_model_of_the_package_that_was_changed(tmp_path, monkeypatch):
    shutil.copytree(registry.FOLDER, tmp_path / 'zoo')
    monkeypatch.setattr(registry, 'FOLDER', tmp_path / 'zoo')
    changed = zoo_models()['hit-uav'].file
    changed.write_bytes(changed.read_bytes() + b'.')
    with pytest.raises(UserError, match=rf'SHA-256 is {digest(changed)}, expected'):
        resolve_model('hit-uav')


def test_a_path_with_a_hash(file):
    assert resolve_model(f'{file}#sha256={digest(file)}') == str(file)
    assert resolve_model(f'{file}#sha256={digest(file).upper()}') == str(file)
    with pytest.raises(UserError, match=f'expected {"0" * 64}'):
        resolve_model(f'{file}#sha256={"0" * 64}')
    with pytest.raises(UserError, match='64 hexadecimal digits'):
        resolve_model(f'{file}#sha256=12')
    with pytest.raises(MissingFileError, match=r'none\.pth'):
        resolve_model(f'none.pth#sha256={"0" * 64}')


def test_an_address_with_a_hash(file, address, downloads):
    name = f'{address}/small%20model.pth#sha256={digest(file)}'
    found = resolve_model(name)
    assert found.startswith(str(downloads))
    with open(found, 'rb') as copy:
        assert copy.read() == file.read_bytes()
    file.unlink()  # it is not downloaded again
    assert resolve_model(name) == found


def test_an_address_with_another_file(address, downloads):
    with pytest.raises(UserError, match='not the file that was meant'):
        resolve_model(f'{address}/small%20model.pth#sha256={"0" * 64}')
    assert not list(downloads.rglob('*.pth'))
    with pytest.raises(UserError, match=r'none\.pth could not be downloaded: .*404'):
        resolve_model(f'{address}/none.pth#sha256={"0" * 64}')


@pytest.mark.parametrize(
    'name', ['model.pth', 'config.py', 'mmdet::x.py', 'https://a.b/c.pth', 'rtmdet']
)
def test_other_names_stay(name):
    assert resolve_model(name) == name


def test_only_what_is_known(file):
    assert resolve_model(str(file), only=True) == str(file)
    with pytest.raises(UserError, match=r'no model hituav: did you mean hit-uav\? there are'):
        resolve_model('hituav', only=True)
