"""SAHI runs this package's detectors."""

import numpy as np
import pytest

from mmdet_efpn.inference.sahi_model import register_with_sahi

pytest.importorskip('sahi')


@pytest.fixture
def detection_model(tiny_config, trained):
    from sahi import AutoDetectionModel

    register_with_sahi()
    return AutoDetectionModel.from_pretrained(
        'mmdet_efpn',
        model_path=trained,
        config_path=str(tiny_config),
        device='cpu',
        confidence_threshold=0.3,
    )


def test_one_image_gives_the_predictors_boxes(detection_model, predictor):
    from sahi.predict import get_prediction

    image = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    result = get_prediction(image, detection_model, verbose=0)
    (wanted,) = predictor(image[..., ::-1])['predictions']
    scores = [score for score in wanted['scores'] if score >= 0.3]
    assert len(result.object_prediction_list) == len(scores) > 5
    boxes = np.array(wanted['bboxes'])[: len(scores)]
    theirs = [one.bbox.to_xyxy() for one in result.object_prediction_list]
    np.testing.assert_allclose(theirs, boxes, atol=1e-3)
    assert {one.category.name for one in result.object_prediction_list} <= {'square', 'bar'}


def test_slices_go_in_batches_and_come_back_shifted(detection_model, monkeypatch):
    from sahi.predict import get_sliced_prediction

    sizes, call = [], type(detection_model.model).__call__
    monkeypatch.setattr(
        type(detection_model.model),
        '__call__',
        lambda self, images, **options: sizes.append(len(images)) or call(self, images, **options),
    )
    image = np.random.default_rng(0).integers(0, 255, (120, 120, 3), dtype=np.uint8)
    result = get_sliced_prediction(
        image,
        detection_model,
        slice_height=64,
        slice_width=64,
        batch_size=4,
        perform_standard_pred=False,
        verbose=0,
    )
    assert sizes == [4, 4, 1]
    corners = np.array([one.bbox.to_xyxy() for one in result.object_prediction_list])
    assert corners.max() > 100
    assert corners.max() <= 120
