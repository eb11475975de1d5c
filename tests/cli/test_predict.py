"""The commands predict and pack, and what test makes of a packed model."""

import json

import numpy as np
import pytest

from mmdet_efpn.checkpoints import read_packed
from mmdet_efpn.cli.predict import FORMATS
from mmdet_efpn.inference import FORMATS as WRITERS
from mmdet_efpn.model_zoo import zoo_models


@pytest.fixture
def pictures(tiny_coco, tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(3):
        (folder / f'{number}.png').write_bytes((tiny_coco / 'images' / f'{number}.png').read_bytes())
    return folder


def read(folder):
    return json.loads((folder / 'predictions.json').read_text())


def test_a_folder_by_config_and_checkpoint(tiny_config, trained, command, pictures, tmp_path):
    out = tmp_path / 'out'
    words = ['predict', tiny_config, trained, pictures, '--out', out, '--score', '0.1', '--batch', '2']
    code, said, error = command(*words)
    assert code == 0, error
    content = read(out)
    assert [image['file_name'] for image in content['images']] == ['0.png', '1.png', '2.png']
    assert f'{len(content["annotations"])} objects in 3 pictures' in said
    assert f'written: {out / "predictions.json"}' in said
    assert sorted(path.name for path in (out / 'pictures').iterdir()) == ['0.png', '1.png', '2.png']
    code, _, error = command(*words)
    assert code == 2
    assert 'exists; --overwrite replaces it' in error
    assert command(*words, '--overwrite')[0] == 0


def test_the_rest_goes_on_and_the_exit_code_says_it(tiny_config, trained, command, pictures, tmp_path):
    (pictures / 'bad.png').write_text('no picture')
    (pictures / 'cut.png').write_bytes((pictures / '0.png').read_bytes()[:200])
    words = ['predict', tiny_config, trained, pictures, '--out', tmp_path / 'out', '--format', 'coco']
    code, said, error = command(*words)
    assert code == 1
    assert 'in 3 pictures' in said
    assert f'not read: {pictures / "bad.png"} (failed to load' in error
    assert '2 could not be read' in error
    assert [one['file_name'] for one in read(tmp_path / 'out')['info']['unreadable']] == [
        'bad.png',
        'cut.png',
    ]


def test_tiles_and_classes(tiny_config, trained, command, pictures, tmp_path):
    words = ['predict', tiny_config, trained, pictures / '0.png', '--format', 'coco', '--tile', '40']
    code, _, error = command(*words, '--overlap', '8', '--classes', 'bar', '--out', tmp_path / 'out')
    assert code == 0, error
    content = read(tmp_path / 'out')
    assert content['info']['tiles'] == dict(size=40, overlap=8, merge='nms', threshold=0.5)
    assert {one['category_id'] for one in content['annotations']} <= {2}


def test_interrupted_and_resumed(tiny_config, trained, command, pictures, tmp_path, monkeypatch):
    words = ['predict', tiny_config, trained, pictures, '--out', tmp_path / 'out', '--format', 'coco']
    with monkeypatch.context() as patched:
        patched.setattr('mmdet_efpn.inference.jobs.journal.Journal.add', _interrupt)
        code, _, error = command(*words)
    assert code == 130
    assert '--resume goes on' in error
    code, said, error = command(*words, '--resume')
    assert code == 0, error
    assert 'in 3 pictures' in said


def _interrupt(*args):
    raise KeyboardInterrupt


def test_what_it_refuses(tiny_config, trained, command, pictures, tmp_path):
    for words, said in (
        ([tiny_config, trained], 'name the pictures, after the checkpoint'),
        ([tiny_config, 'gone.pth', pictures], 'checkpoint not found: gone.pth'),
        ([tiny_config, trained, 'gone.png'], 'no such picture, video or folder: gone.png'),
        ([trained, pictures], 'is no packed model'),
        (['gone.py', trained, pictures], 'config not found: gone.py'),
        ([tiny_config, trained, pictures, '--classes', 'baar'], "did you mean 'bar'?"),
        ([tiny_config, trained, pictures, '--overlap', '8'], 'name their side by --tile'),
        (
            [tiny_config, trained, pictures, '--tile', '8', '--overlap', '8'],
            'from 0 to under their side',
        ),
        ([tiny_config, trained, pictures, '--format', 'cocoo'], "invalid choice: 'cocoo'"),
        ([tiny_config, trained, pictures, '--import', 'no_such_module'], 'no_such_module'),
        ([tiny_config, trained, pictures, '--device', 'cuda:9'], 'no such device: cuda:9'),
    ):
        code, _, error = command('predict', *words, '--out', tmp_path / 'out')
        assert code == 2, words
        assert said in error, words
        assert len(error.strip().splitlines()) == 1 or 'invalid choice' in error
    assert not (tmp_path / 'out').exists()


def test_formats_of_the_command_are_those_of_the_package():
    assert tuple(WRITERS) == FORMATS


def test_a_packed_model_is_enough(tiny_config, trained, command, pictures, tmp_path):
    model = tmp_path / 'model.pth'
    code, said, error = command('pack', tiny_config, trained, model)
    assert code == 0, error
    assert 'classes: square, bar' in said
    assert 'trained by: not known' in said
    for name, words in (('packed', [model]), ('plain', [tiny_config, trained])):
        words = ['predict', *words, pictures, '--out', tmp_path / name, '--format', 'coco']
        assert command(*words, '--score', '0.1')[0] == 0
    packed, plain = read(tmp_path / 'packed'), read(tmp_path / 'plain')
    assert packed['annotations'] == plain['annotations']
    assert len(plain['annotations']) > 10
    assert command('pack', tiny_config, trained, model)[0] == 2


def test_test_takes_a_packed_model(tiny_config, trained, command, tmp_path):
    model = tmp_path / 'model.pth'
    assert command('pack', tiny_config, trained, model)[0] == 0
    figures = []
    for words in ([model], [tiny_config, trained]):
        work_dir = tmp_path / str(len(figures))
        code, _, error = command('test', *words, '--work-dir', work_dir, '--out', work_dir / 'p.pkl')
        assert code == 0, error
        (file,) = work_dir.glob('*/*.json')
        figures.append(json.loads(file.read_text()))
    assert figures[0].keys() == figures[1].keys()
    for key, value in figures[0].items():
        if 'time' not in key:
            assert value == figures[1][key] or np.isnan(value), key
    code, _, error = command('test', tiny_config)
    assert code == 2
    assert 'name the checkpoint, after the config' in error


def test_pack_finds_command_and_figures(tiny_config, command, tmp_path, monkeypatch):
    run = tmp_path / 'run'
    monkeypatch.setattr('sys.argv', ['mmdet-efpn', 'train', 'my config.py', '--work-dir', 'run'])
    code, _, error = command(
        'train', tiny_config, '--work-dir', run, '--cfg-options', 'train_cfg.max_iters=2'
    )
    assert code == 0, error
    log = run / 'of_validation' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text('{"coco/bbox_mAP": 0.5, "step": 2}\n{"coco/bbox_mAP": 0.75, "step": 4}\n')
    code, said, error = command('pack', tiny_config, run / 'iter_2.pth', tmp_path / 'model.pth')
    assert code == 0, error
    found = read_packed(tmp_path / 'model.pth')
    assert found.command == "mmdet-efpn train 'my config.py' --work-dir run"
    assert found.metrics == {'coco/bbox_mAP': 0.5}
    assert "trained by: mmdet-efpn train 'my config.py'" in said
    (tmp_path / 'figures.json').write_text('{"coco/bbox_mAP": 0.25, "time": 3}')
    words = ['pack', tiny_config, run / 'iter_2.pth', tmp_path / 'other.pth']
    assert command(*words, '--metrics', tmp_path / 'figures.json')[0] == 0
    assert read_packed(tmp_path / 'other.pth').metrics == {'coco/bbox_mAP': 0.25}
    code, _, error = command(*words, '--metrics', tmp_path / 'gone.json', '--overwrite')
    assert code == 2
    assert 'file of figures not found' in error


def test_a_model_that_comes_with_the_package(command, tmp_path):
    """Without pictures, on its examples; known objects are found, and it takes names as predict does."""
    code, said, error = command(
        'predict', '--model', 'hit-uav', '--out', tmp_path / 'out', '--format', 'coco'
    )
    assert code == 0, error
    assert 'no pictures are named: predicting on the examples in' in said
    content = read(tmp_path / 'out')
    names = {one['id']: one['name'] for one in content['categories']}
    found = [names[one['category_id']] for one in content['annotations']]
    assert len(content['images']) == 3
    assert found.count('Person') + found.count('Car') + found.count('Bicycle') >= 30
    first = zoo_models()['deeppcb'].examples
    words = ['predict', 'deeppcb', first, '--out', tmp_path / 'boards', '--format', 'coco']
    assert command(*words)[0] == 0
    assert len(read(tmp_path / 'boards')['annotations']) >= 15


def test_a_model_without_pictures_or_a_wrong_name(command, tmp_path, trained):
    for words, said in (
        (['--model', 'hituav'], 'did you mean hit-uav?'),
        (['--model', trained], 'name the pictures that'),
        ([], 'name a model and pictures'),
        (['model.pth'], 'name the pictures, after the model model.pth'),
    ):
        code, _, error = command('predict', *words, '--out', tmp_path / 'out')
        assert code == 2
        assert said in error
