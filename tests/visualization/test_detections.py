"""Pictures of detections: one a source image, none over another."""

import cv2
import numpy as np
import pytest
from mmdet.apis import init_detector
from mmdet.registry import DATASETS
from mmengine.config import Config

from mmdet_efpn.visualization.detections import draw_on_dataset, draw_on_images


@pytest.fixture(scope='module')
def detector(tiny_config):
    model = init_detector(Config.fromfile(str(tiny_config)), checkpoint=None, device='cpu')
    model.dataset_meta = dict(classes=('square', 'bar'))
    return model


def test_ground_truth_stands_beside_the_detections(detector, tiny_config, tmp_path):
    dataset = DATASETS.build(Config.fromfile(str(tiny_config)).test_dataloader.dataset)
    drawn = draw_on_dataset(detector, dataset, 3, tmp_path, panel_width=128)
    pictures = [picture.path for picture in drawn]
    assert [path.name for path in pictures] == ['0.png', '2.png', '5.png']
    for path in pictures:
        picture = cv2.imread(str(path))
        assert picture.shape[1] > 2 * 128
        assert picture.shape[0] >= 128


def test_equal_names_in_two_folders_give_two_pictures(detector, tmp_path):
    sources = [tmp_path / name / 'board.png' for name in ('a', 'b')]
    for number, source in enumerate(sources):
        source.parent.mkdir()
        cv2.imwrite(str(source), np.full((64, 64, 3), 100 * number, np.uint8))
    pictures = draw_on_images(detector, sources, tmp_path / 'out', score_thr=2.0)
    paths = [picture.path for picture in pictures]
    assert [path.name for path in paths] == ['board.png', 'board-1.png']
    assert [cv2.imread(str(path)).max() for path in paths] == [0, 100]
    assert all(picture.drawn == 0 for picture in pictures)


def test_a_missing_image_is_named(detector, tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no such image or folder: .*gone\.jpg'):
        draw_on_images(detector, [tmp_path / 'gone.jpg'], tmp_path / 'out')
