"""Which format a folder is in, and what is said where it is none."""

import pytest

from mmdet_efpn.cli.convert import FORMATS
from mmdet_efpn.datasets.converters import READERS, recognise


def test_each_format_is_recognised(any_format, made):
    assert recognise(made(any_format))[0] == any_format


def test_command_and_readers_name_the_same_formats():
    assert set(FORMATS) == {*READERS, 'auto', 'synthetic-signs'}


def test_auto_converts(any_format, made, tmp_path, command):
    code, said, error = command('convert', 'auto', made(any_format), tmp_path / 'out', '--skip-bad')
    assert code == 0, error
    assert f'is read as {any_format}: ' in said
    assert list((tmp_path / 'out/annotations').glob('*.json'))


@pytest.mark.parametrize(
    ('files', 'said'),
    [
        ({}, 'an empty folder'),
        (
            {'a.txt': 'x', 'deep/b.json': '{"version": 1}', 'c.jpg': ''},
            'a.txt, c.jpg, deep/; files: 1 .',
        ),
        ({'a.xml': '<svg/>', 'b.json': 'no json'}, 'a.xml, b.json'),
    ],
)
def test_a_wrong_guess_says_what_it_saw(made, write_file, tmp_path, command, files, said):
    source = made()
    for name, text in files.items():
        write_file(source / name, text)
    code, _, error = command('convert', 'auto', source, tmp_path / 'out')
    assert code == 2
    assert said in error
    assert 'Known formats: deeppcb, ' in error
    assert not (tmp_path / 'out').exists()


def test_two_formats_at_once_are_named(made, command, tmp_path):
    made('yolo')
    source = made('cvat')
    code, _, error = command('convert', 'auto', source, tmp_path / 'out')
    assert code == 2
    assert 'fits several formats (yolo: data.yaml names classes and splits; cvat: ' in error


def test_missing_folder(tmp_path, command):
    code, _, error = command('convert', 'auto', tmp_path / 'nowhere', tmp_path / 'out')
    assert code == 2
    assert 'nowhere does not exist' in error


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('coco', 'annotations/instances_train2017.json'),
        ('yolo', 'data.yaml'),
        ('cvat', 'annotations.xml'),
        ('tinyperson', 'annotations/tiny_set_train.json'),
    ],
)
def test_a_file_as_source(made, tmp_path, command, name, file):
    source = made(name)
    assert recognise(source / file)[0] == name
    assert command('convert', 'auto', source / file, tmp_path / 'out')[0] == 0
