"""The predictor: DetInferencer's call and answers; batches that change no result."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from mmdet.apis import DetInferencer
from mmengine.config import Config

import mmdet_efpn
from mmdet_efpn.inference import Predictor
from mmdet_efpn.utils.errors import UserError


def assert_same(one, other, tolerance=1e-3):
    """Two predictions are equal to float tolerance."""
    assert one['labels'] == other['labels']
    np.testing.assert_allclose(one['scores'], other['scores'], atol=1e-5)
    np.testing.assert_allclose(one['bboxes'], other['bboxes'], atol=tolerance)


@pytest.fixture(scope='module')
def theirs(tiny_config, trained):
    return DetInferencer(Config.fromfile(tiny_config), trained, 'cpu', show_progress=False)


def test_files_and_folders_as_detinferencer(predictor, theirs, pictures_of_sizes):
    for inputs in (str(pictures_of_sizes / '1.png'), str(pictures_of_sizes)):
        ours, wanted = predictor(inputs), theirs(inputs)
        assert ours.keys() == wanted.keys()
        assert len(ours['predictions']) == len(wanted['predictions'])
        order = range(len(wanted['predictions']))
        if inputs == str(pictures_of_sizes):  # they take a folder in the file system's order
            names = [path.rpartition('/')[2] for path in theirs._inputs_to_list(inputs)]
            order = np.argsort(names).tolist()
        for one, place in zip(ours['predictions'], order, strict=True):
            other = wanted['predictions'][place]
            assert list(one) == list(other)
            assert len(one['scores']) > 10
            assert_same(one, other)


def test_arrays_as_detinferencer(predictor, theirs, pictures_of_sizes):
    arrays = [cv2.imread(str(pictures_of_sizes / f'{number}.png')) for number in range(3)]
    for one, other in zip(
        predictor(arrays, batch_size=2)['predictions'], theirs(arrays)['predictions'], strict=True
    ):
        assert_same(one, other)
    (sample,) = predictor(arrays[0], return_datasamples=True)['predictions']
    assert sample.ori_shape == arrays[0].shape[:2]


def test_saved_as_detinferencer(predictor, theirs, pictures_of_sizes, tmp_path):
    picture = str(pictures_of_sizes / '3.png')
    ours = predictor(picture, out_dir=str(tmp_path / 'ours'), no_save_pred=False)
    theirs(picture, out_dir=str(tmp_path / 'theirs'), no_save_pred=False)
    one, other = (
        json.loads((tmp_path / name / 'preds' / '3.json').read_text()) for name in ('ours', 'theirs')
    )
    assert_same(one, other)
    saved = cv2.imread(str(tmp_path / 'ours' / 'vis' / '3.png'))
    assert saved.shape == cv2.imread(picture).shape
    arrays = [cv2.imread(picture)] * 2
    for inferencer, name in ((predictor, 'ours'), (theirs, 'theirs')):
        inferencer.num_visualized_imgs = inferencer.num_predicted_imgs = 0
        for _ in range(2):
            inferencer(arrays, out_dir=str(tmp_path / name))  # theirs cannot save predictions of arrays
    listed = [
        sorted(path.relative_to(tmp_path / name).as_posix() for path in (tmp_path / name).rglob('*.*'))
        for name in ('ours', 'theirs')
    ]
    assert listed[0] == listed[1]
    assert len(listed[0]) == 2 + 4
    predictor(arrays, out_dir=str(tmp_path / 'arrays'), no_save_pred=False)
    assert len(list((tmp_path / 'arrays' / 'preds').iterdir())) == 2
    (shown,) = ours['visualization']
    np.testing.assert_array_equal(shown, saved[..., ::-1])


@pytest.mark.parametrize('workers', [0, 3])
def test_a_batch_of_mixed_sizes_equals_one_by_one(
    whole_pixels_config, trained, pictures_of_sizes, workers
):
    predictor = Predictor(whole_pixels_config, trained, 'cpu', show_progress=False)
    paths = [str(pictures_of_sizes / f'{number}.png') for number in range(6)]
    together = predictor(paths, batch_size=4, workers=workers)['predictions']
    for path, found in zip(paths, together, strict=True):
        assert_same(found, predictor(path)['predictions'][0])


def test_batches_are_full_and_of_one_padded_size(
    whole_pixels_config, trained, pictures_of_sizes, monkeypatch
):
    predictor = Predictor(whole_pixels_config, trained, 'cpu', show_progress=False)
    seen, forward = [], predictor.forward
    monkeypatch.setattr(
        predictor,
        'forward',
        lambda data: seen.append([tuple(i.shape[1:]) for i in data['inputs']]) or forward(data),
    )
    predictor(str(pictures_of_sizes), batch_size=3)
    # 64x64, 64x64 and 40x64 are padded to 64x64; 64x96 and 50x70 to 64x96; 96x64 is alone.
    assert sorted(map(sorted, seen)) == [
        [(40, 64), (64, 64), (64, 64)],
        [(50, 70), (64, 96)],
        [(96, 64)],
    ]


def test_test_time_augmentation_and_autocast(tiny_config, trained, predictor, pictures_of_sizes):
    paths = [str(pictures_of_sizes / f'{number}.png') for number in (0, 4)]
    plain = predictor(paths)['predictions']
    augmented = Predictor(tiny_config, trained, 'cpu', show_progress=False, tta=True)
    together = augmented(paths, batch_size=2)['predictions']
    for path, found in zip(paths, together, strict=True):
        assert_same(found, augmented(path)['predictions'][0])
    assert together[0]['scores'][:5] != plain[0]['scores'][:5]
    half = Predictor(tiny_config, trained, 'cpu', show_progress=False, amp='bfloat16')
    rounded = half(paths[0])['predictions'][0]
    assert abs(rounded['scores'][0] - plain[0]['scores'][0]) < 0.02
    assert rounded['scores'] != plain[0]['scores']


def test_every_nth_frame_of_a_video(predictor, video):
    found = predictor(str(video), every=5, batch_size=2)['predictions']
    assert [(one['frame'], one['video']) for one in found] == [(n, str(video)) for n in (0, 5, 10)]


def test_labels_and_classes(predictor):
    assert predictor.classes == ('square', 'bar')
    assert predictor.labels_of(['bar']) == [1]
    with pytest.raises(UserError, match="no class 'squares'; did you mean 'square'"):
        predictor.labels_of(['squares'])


def test_it_is_imported_by_its_short_name_and_late(child_environment):
    assert mmdet_efpn.Predictor is Predictor
    code = (
        "import sys; sys.argv[0] = 'mmdet-efpn'; import mmdet_efpn\n"
        "assert 'torch' not in sys.modules and 'mmdet' not in sys.modules"
    )
    assert subprocess.run([sys.executable, '-c', code], env=child_environment).returncode == 0


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (dict(model='gone.py', weights='w.pth'), 'config not found: gone.py'),
        (dict(model='no-such-detector', weights=None), 'neither a config'),
        (dict(model=None, weights=None), 'name a config and its weights'),
        (dict(model='gone.pth'), 'checkpoint not found: gone.pth'),
    ],
)
def test_what_is_missing_is_named(words, said):
    with pytest.raises(UserError, match=said):
        Predictor(**words)


def test_what_does_not_fit_is_refused(tiny_config, trained, tmp_path):
    with pytest.raises(UserError, match='its weights are missing'):
        Predictor(tiny_config)
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(UserError, match='lacks'):
        Predictor(tiny_config, tmp_path / 'empty.pth')
    with pytest.raises(UserError, match='is no packed model: it holds weights alone'):
        Predictor(trained)
    with pytest.raises(UserError, match='no such device: cuda:7'):
        Predictor(tiny_config, trained, 'cuda:7')
    with pytest.raises(UserError, match='computes in bfloat16'):
        Predictor(tiny_config, trained, 'cpu', amp='float16')


def test_an_unreadable_picture_is_named(predictor, pictures):
    with pytest.raises(UserError, match=r'bad\.png: failed to load'):
        predictor(str(pictures))
