"""``mmdet-efpn inspect``."""

import pytest


def test_an_annotation_file(command, tiny_coco, tmp_path):
    page = tmp_path / 'page.html'
    words = ('inspect', tiny_coco / 'annotations.json', tiny_coco / 'images', '--out', page)
    code, out, _ = command(*words, '--scale', '64x128', '--samples', 4)
    assert code == 0
    assert '4 of 6 looked at' not in out  # every second of six
    assert '3 of 6 looked at' in out
    assert 'scale = (128, 64)' in out
    assert out.rstrip().endswith(f'written: {page}')
    assert page.read_text().startswith('<!DOCTYPE html>')
    code, _, errors = command(*words)
    assert code == 2
    assert '--overwrite replaces it' in errors


def test_a_config_with_options(command, tiny_config, tmp_path):
    options = ('--cfg-options', 'model.test_cfg.rpn.max_per_img=5')
    code, out, _ = command('inspect', tiny_config, '--out', tmp_path / 'page.html', *options)
    assert code == 0
    assert 'model.test_cfg.rpn.max_per_img=100' in out  # 3 for each of 2 objects are more than 5


@pytest.mark.parametrize(
    ('source', 'others', 'said'),
    [
        ('a.json', ['--cfg-options', 'a=1'], '--cfg-options change a config'),
        ('a.py', ['images'], 'go with an annotation file'),
        ('a.py', ['--scale', '64x64'], 'go with an annotation file'),
        ('no.json', [], 'no.json'),
        ('no.py', [], 'config not found: no.py'),
    ],
)
def test_mistakes_are_one_line(command, tmp_path, monkeypatch, source, others, said):
    monkeypatch.chdir(tmp_path)
    code, _, errors = command('inspect', source, *others)
    assert code == 2
    assert said in errors
    assert not (tmp_path / 'inspection.html').exists()
