"""Cost and accuracy of trained designs: the whole command on a tiny recipe."""

import json

import pytest
from PIL import Image

from benchmarks.designs import input_size, main
from mmdet_efpn.recipes import claim, load_stages


@pytest.fixture
def recipe(tiny_config, tmp_path):
    """A recipe of three designs, of which two are trained."""
    path = tmp_path / 'designs.py'
    path.write_text(f"""
recipe = dict(independent=True, stages=[
    dict(name='FPN 320', config={str(tiny_config)!r}),
    dict(name='wider', config={str(tiny_config)!r},
         cfg_options={{'model.neck.ftt.hidden_channels': 32}}),
    dict(name='not yet', config={str(tiny_config)!r})])
""")
    stages = load_stages(str(path), str(tmp_path / 'work'), {})
    for stage, small in zip(stages, (0.25, 0.5), strict=False):
        claim(stage, None)
        stage.result_file.write_text(
            json.dumps(
                dict(
                    checkpoint='x.pth', seconds=1, metrics={'AP': 0.125, 'AP50': 0.75, 'AP small': small}
                )
            )
        )
    return path


def test_command(recipe, tmp_path, capsys):
    main(
        [
            str(recipe),
            '--work-dir',
            str(tmp_path / 'work'),
            '--repeats',
            '1',
            '--batch-size',
            '2',
            '--device',
            'cpu',
            '--picture',
            str(tmp_path / 'p.png'),
            '--json',
            str(tmp_path / 'rows.json'),
        ]
    )
    printed = capsys.readouterr().out
    assert '| FPN 320 | 64x64 |' in printed
    assert '| 0.125 | 0.750 | 0.500 |' in printed
    assert 'not trained: not yet' in printed
    first, second = json.loads((tmp_path / 'rows.json').read_text())
    assert second['macs'] > first['macs']
    assert second['AP small'] == 0.5
    assert Image.open(tmp_path / 'p.png').size == (1200, 720)


def test_input_size_is_height_and_width(recipe):
    stage = load_stages(str(recipe), None, {})[0]
    stage.cfg.test_dataloader.dataset.pipeline[2].scale = (96, 64)
    assert input_size(stage.cfg) == (64, 96)


def test_nothing_trained_is_said(recipe, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(recipe), '--work-dir', str(tmp_path / 'other')])
    assert 'nothing is trained in' in capsys.readouterr().err
