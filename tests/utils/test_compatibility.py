"""The version gate names the package, the version found, the versions wanted and a remedy."""

import subprocess
import sys
from importlib import metadata

import pytest

from mmdet_efpn.utils import compatibility

FORKS = {
    'torch': '2.12.1+cu130',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmdetection': '3.5.1',
}
ORIGINALS = {'torch': '2.5.1', 'mmengine': '0.10.7', 'mmcv': '2.1.0', 'mmdet': '3.3.0'}


@pytest.fixture
def install(monkeypatch):
    """Makes the gate see exactly the given {distribution: version}."""

    def see(versions):
        def version(name):
            if name not in versions:
                raise metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(compatibility.metadata, 'version', version)

    return see


@pytest.mark.parametrize('versions', [FORKS, ORIGINALS, ORIGINALS | {'torch': '2.1.0+cu121'}])
def test_both_sets_of_distributions_pass(install, versions, recwarn):
    install(versions)
    compatibility.check()
    assert not recwarn.list


def test_this_environment_passes():
    assert compatibility.find_problems() == []
    assert 'torch' in compatibility.summary()


@pytest.mark.parametrize('missing', sorted(FORKS))
def test_missing_package_is_named_with_a_remedy(install, missing):
    install({name: version for name, version in FORKS.items() if name != missing})
    with pytest.raises(ImportError, match=missing) as error:
        compatibility.check()
    (library,) = (lib for lib in compatibility.LIBRARIES if missing in lib.distributions)
    assert f'{library.module} {library.wanted}' in str(error.value)
    for distribution in library.distributions:
        assert distribution in str(error.value)
    for command in library.remedies:
        assert command in str(error.value)


@pytest.mark.parametrize(
    ('distribution', 'version', 'wanted'),
    [
        ('torch', '2.0.1', '>=2.1,<2.14'),
        ('torch', '2.14.0', '>=2.1,<2.14'),
        ('onedl-mmengine', '0.9.1', '>=0.10,<1'),
        ('onedl-mmcv', '2.0.1', '>=2.1,<3'),
        ('onedl-mmcv', '3.0.0rc1', '>=2.1,<3'),
        ('onedl-mmdetection', '2.28.2', '>=3.3,<4'),
    ],
)
def test_out_of_range_says_found_wanted_and_remedy(install, distribution, version, wanted):
    install(FORKS | {distribution: version})
    with pytest.raises(ImportError) as error:
        compatibility.check()
    assert f'{distribution} {version} is installed' in str(error.value)
    assert wanted in str(error.value)
    assert 'pip install' in str(error.value)


def test_all_problems_are_said_at_once(install):
    install({'torch': '1.13.1'})
    assert len(compatibility.find_problems()) == len(compatibility.LIBRARIES)


def test_original_and_fork_together_are_refused(install):
    install(FORKS | {'mmcv': '2.1.0'})
    (problem,) = compatibility.find_problems()
    assert 'onedl-mmcv 2.3.6 and mmcv 2.1.0 are both installed' in problem
    assert 'pip uninstall onedl-mmcv mmcv' in problem


def test_original_mmdet_refuses_mmcv_2_2(install):
    install(ORIGINALS | {'mmcv': '2.2.0'})
    (problem,) = compatibility.find_problems()
    assert 'mmcv 2.2.0' in problem
    assert '>=2.1,<2.2' in problem


@pytest.mark.parametrize('version', [(3, 9, 18), (3, 13, 0)])
def test_python_out_of_range(install, monkeypatch, version):
    install(FORKS)
    monkeypatch.setattr(compatibility.sys, 'version_info', version)
    (problem,) = compatibility.find_problems()
    assert 'Python ' + '.'.join(map(str, version)) in problem
    assert '>=3.10,<3.13' in problem


def test_original_mmengine_with_a_new_torch_warns(install):
    install(ORIGINALS | {'torch': '2.6.0'})
    with pytest.warns(UserWarning, match=r'mmengine 0\.10\.7 cannot load .* torch 2\.6\.0'):
        compatibility.check()


def test_import_of_the_package_fails_with_the_gate_s_message(tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(
        'from importlib import metadata\n'
        'known = metadata.version\n'
        'metadata.version = lambda name: "1.0.0" if name == "torch" else known(name)\n'
    )
    result = subprocess.run(
        [sys.executable, '-c', 'import mmdet_efpn'],
        capture_output=True,
        text=True,
        env={'PYTHONPATH': str(tmp_path), 'PATH': ''},
    )
    assert result.returncode == 1
    assert 'torch 1.0.0 is installed, and torch >=2.1,<2.14 is needed' in result.stderr
