"""A tiny detector, pictures of several sizes, and a video."""

import shutil

import cv2
import numpy as np
import pytest

from mmdet_efpn.inference import Predictor

SIZES = ((64, 64), (64, 96), (50, 70), (96, 64), (64, 64), (40, 64))  # height, width


@pytest.fixture(scope='session')
def predictor(tiny_config, trained):
    return Predictor(tiny_config, trained, 'cpu', show_progress=False)


@pytest.fixture(scope='session')
def whole_pixels_config(tiny_config, tmp_path_factory):
    """The tiny detector's config, whose pictures keep their size."""
    path = tmp_path_factory.mktemp('whole_pixels') / 'whole_pixels.py'
    path.write_text(
        f"_base_ = '{tiny_config}'\n"
        'same = dict(type="Resize", scale_factor=1.0)\n'
        'pipeline = [same if step["type"] == "Resize" else step for step in _base_.pipeline]\n'
        'test_dataloader = dict(dataset=dict(pipeline=pipeline))\n'
    )
    return path


@pytest.fixture(scope='session')
def pictures_of_sizes(tmp_path_factory):
    """A folder of six pictures, of five sizes."""
    folder = tmp_path_factory.mktemp('sizes')
    rng = np.random.default_rng(0)
    for number, size in enumerate(SIZES):
        cv2.imwrite(str(folder / f'{number}.png'), rng.integers(0, 255, (*size, 3), dtype=np.uint8))
    return folder


@pytest.fixture(scope='session')
def video(tmp_path_factory):
    """A video of twelve frames; frame n has the grey value 10 + 20 n."""
    path = tmp_path_factory.mktemp('video') / 'clip.mp4'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), 10, (64, 64))
    for number in range(12):
        writer.write(np.full((64, 64, 3), 10 + 20 * number, np.uint8))
    writer.release()
    return path


@pytest.fixture
def pictures(tiny_coco, tmp_path):
    """A folder of six pictures, and one that is none."""
    folder = tmp_path / 'pictures'
    shutil.copytree(tiny_coco / 'images', folder)
    (folder / 'bad.png').write_text('no picture')
    return folder
