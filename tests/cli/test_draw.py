"""The draw command: test set, files and folders; what it refuses and what it keeps."""

import cv2
import pytest
import torch


@pytest.fixture
def pictures(tiny_coco, tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(2):
        (folder / f'{number}.png').write_bytes((tiny_coco / 'images' / f'{number}.png').read_bytes())
    (folder / 'notes.txt').write_text('no picture')
    return folder


def test_test_set_with_both_halves(tiny_config, trained, command, tmp_path):
    code, said, _ = command('draw', tiny_config, trained, '--num', '2', '--out', tmp_path / 'out')
    assert code == 0
    assert f'written: 2 pictures in {tmp_path / "out"}' in said
    picture = cv2.imread(str(tmp_path / 'out' / '0.png'))
    assert picture.shape[1] > 2 * 640  # both halves
    assert picture.shape[0] > 640 + 20  # the titles above


def test_a_folder_and_a_file(tiny_config, trained, command, pictures, tiny_coco, tmp_path):
    out = tmp_path / 'out'
    words = [tiny_config, trained, pictures, tiny_coco / 'images' / '5.png', '--out', out]
    assert command('draw', *words)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ['0.png', '1.png', '5.png']
    before = (out / '0.png').read_bytes()
    code, _, error = command('draw', *words)
    assert code == 2
    assert '--overwrite' in error
    assert (out / '0.png').read_bytes() == before
    assert command('draw', *words, '--overwrite')[0] == 0


def test_what_it_refuses(tiny_config, trained, command, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'bad.png').write_text('no picture')
    torch.save({}, tmp_path / 'empty.pth')
    for words, said in (
        ([trained, tmp_path / 'gone.png'], 'no such image or folder'),
        ([trained, tmp_path / 'empty'], 'has no image'),
        ([trained, tmp_path / 'bad.png'], 'cannot be decoded as an image'),
        (['gone.pth'], 'checkpoint not found: gone.pth'),
        ([tmp_path / 'empty.pth'], 'lacks'),
    ):
        code, _, error = command('draw', tiny_config, *words, '--out', tmp_path / 'out')
        assert code == 2, words
        assert said in error
    assert not list((tmp_path / 'out').glob('*')) if (tmp_path / 'out').exists() else True
