"""What a release holds, and that it works out of the checkout's reach."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from mmengine.config import Config

import mmdet_efpn
from mmdet_efpn.model_zoo import zoo_models

MIM = shutil.which('mim', path=str(Path(sys.executable).parent))
RETINA = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'


@pytest.fixture
def run(installed_package, child_environment, tmp_path):
    """Function that runs words in an empty folder, with the installed package in front."""
    environment = dict(child_environment, PYTHONPATH=str(installed_package))

    def run(*words) -> str:
        done = subprocess.run(
            list(map(str, words)),
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run


def test_the_wheel_holds_the_package_alone(built_wheel):
    names = zipfile.ZipFile(built_wheel).namelist()
    assert {name.split('/')[0] for name in names} == {
        '+mmdet_efpn',  # for onedl-mim, see tools/environment/mim_folder.py
        'mmdet_efpn',
        f'mmdet_efpn-{mmdet_efpn.__version__}.dist-info',
    }
    inside = [name for name in names if name.split('/')[1] in ('benchmarks', 'tests', 'docs')]
    assert inside == []
    assert any(name.endswith('licenses/LICENSE') or name.endswith('dist-info/LICENSE') for name in names)
    assert not [name for name in names if 'benchmarks' in name]
    assert 'mmdet_efpn/.mim/model-index.yml' in names
    for name, model in zoo_models().items():
        assert f'mmdet_efpn/model_zoo/{name}/model.pth' in names
        assert f'mmdet_efpn/model_zoo/{name}/README.md' in names
        for example in model.examples.iterdir():
            assert f'mmdet_efpn/model_zoo/{name}/examples/{example.name}' in names
    assert 'mmdet_efpn/model_zoo/models.json' in names


def test_metadata_names_licence_urls_and_command(built_wheel):
    archive = zipfile.ZipFile(built_wheel)
    info = f'mmdet_efpn-{mmdet_efpn.__version__}.dist-info'
    metadata = archive.read(f'{info}/METADATA').decode()
    for line in (
        'License',
        'Project-URL: Source',
        'Classifier: ',
        'Provides-Extra: dev',
        'Provides-Extra: docs',
    ):
        assert f'\n{line}' in metadata, line
    entry = archive.read(f'{info}/entry_points.txt').decode()
    assert 'mmdet-efpn = mmdet_efpn.cli.main:main' in entry


def test_the_installed_command_extends_a_config(run, installed_package, tmp_path):
    assert 'usage: mmdet-efpn COMMAND' in run(installed_package / 'bin' / 'mmdet-efpn', '--help')
    where = run(sys.executable, '-c', 'import mmdet_efpn; print(mmdet_efpn.__file__)')
    assert where.splitlines()[-1].startswith(str(installed_package))
    said = run(installed_package / 'bin' / 'mmdet-efpn', 'extend', RETINA, 'out.py')
    assert 'written: out.py' in said
    assert Config.fromfile(tmp_path / 'out.py').model.neck.type == 'EFPN'
    own = 'mmdet_efpn::coco/faster-rcnn_r50_efpn-light_1x_coco.py'
    assert '| faster-rcnn_r50_efpn-light_1x_coco' in run(
        sys.executable, '-m', 'mmdet_efpn', 'cost', own, '--sizes', '64x64', '--no-time'
    )


@pytest.mark.skipif(MIM is None, reason='no mim beside this Python')
def test_mim_finds_the_configs(run, installed_package, repository):
    said = run(MIM, 'search', 'mmdet_efpn', '--field', 'config')
    index = installed_package / 'mmdet_efpn' / '.mim' / 'model-index.yml'
    metafiles = yaml.safe_load(index.read_text())['Import']
    names = [
        model['Name']
        for metafile in metafiles
        for model in yaml.safe_load((index.parent / metafile).read_text())['Models']
    ]
    assert len(names) > 20
    for name in names:
        assert name in said
        assert len(list(index.parent.rglob(f'configs/**/{name}.py'))) == 1
