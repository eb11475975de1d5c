"""Sources, videos, background loading and batches."""

import threading

import cv2
import numpy as np
import pytest

from mmdet_efpn.inference.reading import (
    Item,
    Unreadable,
    each_picture,
    find_sources,
    image_root,
    in_batches,
    load_all,
)
from mmdet_efpn.utils.errors import UserError


@pytest.fixture
def tree(tmp_path):
    """a/x.png, a/x.jpg, a/deep/y.jpg, a/notes.md, list.txt"""
    for name in ('a/x.png', 'a/x.jpg', 'a/deep/y.jpg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / 'a' / 'notes.md').write_text('no picture')
    (tmp_path / 'list.txt').write_text('# pictures\na/x.png\n\na/gone.png\n')
    return tmp_path


def names(sources):
    return [item.name for item in sources]


def test_a_folder_a_glob_a_list(tree):
    assert names(find_sources(str(tree / 'a'))) == ['x.jpg', 'x.png']
    assert names(find_sources(str(tree / '**' / '*.jpg'))) == ['deep/y.jpg', 'x.jpg']
    listed = find_sources(tree / 'list.txt')
    assert names(listed) == ['x.png', 'gone.png']  # what is not there is named when it is read
    assert listed[0].path == str(tree / 'a' / 'x.png')
    assert image_root(listed) == str(tree / 'a')


def test_each_picture_once_and_each_stem_once(tree):
    sources = find_sources([str(tree / 'a'), str(tree / 'a' / 'x.png'), str(tree / 'a/deep/y.jpg')])
    assert names(sources) == ['x.jpg', 'x.png', 'deep/y.jpg']
    assert [item.stem for item in sources] == ['x', 'x_png', 'deep/y']


def test_arrays(tree):
    array = np.zeros((4, 6, 3), np.uint8)
    assert names(find_sources([array, array])) == ['00000000.jpg', '00000001.jpg']
    with pytest.raises(UserError, match='not both'):
        find_sources([array, str(tree / 'a')])
    with pytest.raises(UserError, match=r'the shape \(4,\)'):
        find_sources(np.zeros(4))


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('gone.png', 'no such picture, video or folder'),
        ('a/*.bmp', 'no picture or video matches'),
        ('a/notes.md', 'is neither a picture'),
        ('empty', 'has no picture and no video'),
        ('none.txt', 'names no picture'),
    ],
)
def test_what_is_not_there_is_named(tree, name, said):
    (tree / 'empty').mkdir()
    (tree / 'none.txt').write_text('\n')
    with pytest.raises(UserError, match=said):
        find_sources(str(tree / name))


def test_frames_have_their_numbers(video):
    (source,) = find_sources(str(video))
    frames = list(each_picture([source], every=3))
    assert [(frame.frame, frame.stem, frame.name) for frame in frames] == [
        (n, f'clip_{n:06d}', f'clip_{n:06d}.png') for n in (0, 3, 6, 9)
    ]
    for frame in frames:
        assert abs(frame.array.mean() - (10 + 20 * frame.frame)) < 4
    some = list(each_picture([source], wanted=lambda item: item.frame in (4, 5)))
    assert [frame.frame for frame in some] == [4, 5]


def test_a_broken_video_is_named(tmp_path):
    (tmp_path / 'bad.mp4').write_text('no video')
    (found,) = each_picture(find_sources(str(tmp_path / 'bad.mp4')))
    assert isinstance(found, Unreadable)
    assert found.item.name == 'bad.mp4'
    assert 'cannot be opened' in found.reason


def test_a_video_that_ends_early_is_named_and_its_frames_count(tmp_path):
    path = tmp_path / 'cut.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (64, 64))
    for number in range(40):
        writer.write(np.full((64, 64, 3), number, np.uint8))
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b'idx1') // 2])
    *frames, end = each_picture(find_sources(str(path)))
    assert 4 < len(frames) < 30
    assert [frame.frame for frame in frames] == list(range(len(frames)))
    assert isinstance(end, Unreadable)
    assert end.reason == f'it ends after {len(frames)} of 40 frames'


@pytest.mark.parametrize('workers', [0, 1, 4])
def test_results_come_in_order_and_not_too_many_wait(workers):
    taken, most, lock = [0], [0], threading.Lock()
    given = [0]

    def items():
        for number in range(60):
            with lock:
                given[0] += 1
                most[0] = max(most[0], given[0] - taken[0])
            yield Item(str(number), str(number))

    results = []
    for result in load_all(items(), lambda item: int(item.name) ** 2, workers, ahead=5):
        with lock:
            taken[0] += 1
        results.append(result)
    assert results == [number**2 for number in range(60)]
    assert most[0] <= 5 + 2


def test_an_error_of_a_thread_comes_out_and_ends_them():
    def load(item):
        if item == 7:
            raise ValueError('seven')
        return item

    before = threading.active_count()
    with pytest.raises(ValueError, match='seven'):
        list(load_all(range(1000), load, 2, 4))
    given = load_all(range(1000), load, 2, 4)
    assert next(given) == 0
    given.close()
    assert threading.active_count() <= before + 2


def test_batches_hold_one_kind_and_nothing_waits_long():
    kinds = 'aababbbcaab'
    batches = list(in_batches(enumerate(kinds), lambda one: one[1], 3, most_waiting=4))
    assert all(len({kind for _, kind in batch}) == 1 for batch in batches)
    assert sorted(one for batch in batches for one in batch) == list(enumerate(kinds))
    # At the end b, c and a wait, five in all: the b that waited longest goes, with the other one.
    assert [''.join(kind for _, kind in batch) for batch in batches] == ['aaa', 'bbb', 'bb', 'c', 'aa']
    lonely = list(in_batches(range(10), lambda one: one, 4, most_waiting=2))
    assert lonely[0] == [0]  # the one that waited longest, when a third came
    assert [one for batch in lonely for one in batch] == list(range(10))
