import hashlib
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from pycocotools.coco import COCO

from mmdet_efpn.datasets import SyntheticSignsDataset
from mmdet_efpn.datasets.class_names import SYNTHETIC_SIGNS_CLASSES
from mmdet_efpn.datasets.synthetic import dataset as synthetic_signs
from mmdet_efpn.datasets.synthetic import paint_scene
from mmdet_efpn.datasets.synthetic.dataset import make_synthetic_signs
from mmdet_efpn.datasets.synthetic.signs import blank_template, pose, sign_template


def digest(folder):
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    assert files
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


@pytest.fixture(scope='module')
def signs(tmp_path_factory):
    out = tmp_path_factory.mktemp('synthetic') / 'signs'
    assert make_synthetic_signs(out, num_train=4, num_val=2, size=192, seed=3)
    return out


def test_same_seed_same_bytes_also_in_another_process(signs, tmp_path, repository):
    tool = repository / 'tools/convert.py'
    options = ['--num-train', '4', '--num-val', '2', '--size', '192', '--seed', '3']
    subprocess.run(
        [sys.executable, str(tool), 'synthetic-signs', str(tmp_path / 'b'), *options], check=True
    )
    assert digest(tmp_path / 'b') == digest(signs)


def test_images_depend_on_seed_split_and_number_alone(signs, tmp_path):
    make_synthetic_signs(tmp_path / 'more', num_train=5, num_val=3, size=192, seed=3)
    more, fewer = digest(tmp_path / 'more'), digest(signs)
    images = [name for name in fewer if name.endswith('.jpg')]
    assert len(images) == 6
    assert all(more[name] == fewer[name] for name in images)
    assert len({fewer[name] for name in images}) == 6
    make_synthetic_signs(tmp_path / 'other', num_train=4, num_val=2, size=192, seed=4)
    other = digest(tmp_path / 'other')
    assert all(other[name] != fewer[name] for name in images)


def test_sizes_classes_and_places():
    scenes = [paint_scene(np.random.default_rng([7, index]), 320) for index in range(60)]
    boxes = np.array([box for _, found in scenes for _, box in found])
    sides = boxes[:, 2:] - boxes[:, :2]
    assert sides.min() >= 6
    assert sides.max() <= 48
    long_sides = sides.max(axis=1)
    assert 0.70 < np.mean(long_sides < 32) < 0.90
    # Evenly spread in the logarithm: the middle of 6 and 48 is 17.
    assert 13 < np.median(long_sides) < 21
    assert long_sides.min() <= 7
    assert long_sides.max() >= 44
    assert boxes.min() >= 0
    assert boxes.max() <= 320
    names = [name for _, found in scenes for name, _ in found]
    assert set(names) == set(SYNTHETIC_SIGNS_CLASSES)
    for image, found in scenes:
        assert image.shape == (320, 320, 3)
        assert image.dtype == np.uint8
        assert 3 <= len(found) <= 8
        covered = np.zeros((320, 320), int)
        for _, (x1, y1, x2, y2) in found:
            covered[y1:y2, x1:x2] += 1
        assert covered.max() == 1


def small_view(template, side):
    """The sign's front at a small size, brightness and colour freed of scale."""
    colour = cv2.resize(template, (side, side), interpolation=cv2.INTER_AREA).astype(float)
    return colour[..., :3] * colour[..., 3:] / 255


def test_signs_differ_at_six_pixels():
    views = [small_view(sign_template(name), 6) for name in SYNTHETIC_SIGNS_CLASSES]
    for first in range(len(views)):
        for second in range(first):
            difference = np.abs(views[first] - views[second]).mean()
            assert difference > 12, (
                SYNTHETIC_SIGNS_CLASSES[first],
                SYNTHETIC_SIGNS_CLASSES[second],
            )


def test_round_pairs_share_their_outline():
    for first, second in (('no-entry', 'speed-limit'), ('ahead-only', 'turn-right')):
        np.testing.assert_array_equal(sign_template(first)[..., 3], sign_template(second)[..., 3])
    red_disc = blank_template('disc', (200, 25, 35))
    np.testing.assert_array_equal(red_disc[..., 3], sign_template('no-entry')[..., 3])


@pytest.mark.parametrize('side', [6, 7, 20, 48])
def test_posed_sign_touches_its_box(side):
    for index, name in enumerate(SYNTHETIC_SIGNS_CLASSES):
        alpha = pose(np.random.default_rng(index), sign_template(name), side, 6)[..., 3]
        assert max(alpha.shape) == side
        assert min(alpha.shape) >= 6
        assert all(edge.max() > 0.05 for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))


def test_unknown_sign():
    with pytest.raises(ValueError, match='unknown sign'):
        sign_template('yield')


def test_reads_as_coco_and_as_dataset(signs):
    coco = COCO(str(signs / 'annotations/train.json'))
    assert len(coco.getImgIds()) == 4
    dataset = SyntheticSignsDataset(
        data_root=str(signs),
        ann_file='annotations/val.json',
        data_prefix=dict(img='images/'),
        pipeline=[dict(type='LoadImageFromFile')],
        check_images='decode',
    )
    assert len(dataset) == 2
    assert dataset[0]['img'].shape == (192, 192, 3)
    assert not any(dataset.dropped.values())
    assert json.loads((signs / 'parameters.json').read_text())['seed'] == 3


def test_a_made_set_is_kept_and_another_refused(signs, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in signs.rglob('*')}
    assert not make_synthetic_signs(signs, num_train=4, num_val=2, size=192, seed=3)
    assert before == {path: path.stat().st_mtime_ns for path in signs.rglob('*')}
    with pytest.raises(FileExistsError, match=r"'seed': 3.*'seed': 4.*remove it"):
        make_synthetic_signs(signs, num_train=4, num_val=2, size=192, seed=4)
    (tmp_path / 'letters').mkdir()
    (tmp_path / 'letters/one.txt').write_text('dear')
    with pytest.raises(FileExistsError, match='no synthetic data set'):
        make_synthetic_signs(tmp_path / 'letters')


def test_interrupted_making_leaves_nothing(tmp_path, monkeypatch):
    def stop(rng, size):
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic_signs, 'paint_scene', stop)
    with pytest.raises(KeyboardInterrupt):
        make_synthetic_signs(tmp_path / 'signs')
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize('bad', [dict(num_train=0), dict(num_val=0), dict(size=64), dict(seed=-1)])
def test_arguments_out_of_range(tmp_path, bad):
    with pytest.raises(ValueError, match='at least'):
        make_synthetic_signs(tmp_path / 'signs', **bad)
