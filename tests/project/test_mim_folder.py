"""The .mim folder in wheels and in editable installs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tools' / 'environment'))

import mim_folder  # noqa: E402


def test_pointers_run_the_real_files(tmp_path):
    (tmp_path / 'real.py').write_text('import sys\nprint(__name__, sys.argv[1:])\n')
    (tmp_path / 'deep').mkdir()
    for target in ('../real.py', str(tmp_path / 'real.py')):
        (tmp_path / 'deep' / 'real.py').write_text(mim_folder.pointer('tools/real.py', target))
        result = subprocess.run(
            [sys.executable, tmp_path / 'deep' / 'real.py', 'a'], capture_output=True, text=True
        )
        assert result.stdout == "__main__ ['a']\n"


def test_config_names_are_unique_and_in_the_wheel_twice():
    names = [name for name, _ in mim_folder.mim_entries(ROOT, editable=False)]
    configs = [
        Path(name).name
        for name in names
        if name.startswith('mmdet_efpn/.mim/configs/') and name.endswith('.py')
    ]
    assert configs
    assert len(set(configs)) == len(configs)
    assert 'mmdet_efpn/.mim/tools/train.py' in names
    assert '+mmdet_efpn/.mim/tools/train.py' in names
    assert not [name for name in names if 'tools/environment' in name]


def test_pointer_configs_give_the_real_configs(tmp_path):
    config = pytest.importorskip('mmengine.config').Config
    name = next(
        name
        for name in mim_folder.mim_files(ROOT)
        if name.startswith('configs/') and '_base_' not in name and name.endswith('.py')
    )
    for editable in (False, True):
        for entry, content in mim_folder.mim_entries(ROOT, editable):
            (tmp_path / entry).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / entry).write_bytes(content)
        want = config.fromfile(ROOT / name).to_dict()
        for folder in ('mmdet_efpn', '+mmdet_efpn'):
            got = config.fromfile(tmp_path / folder / '.mim' / name).to_dict()
            assert json.dumps(got, default=str) == json.dumps(want, default=str)
