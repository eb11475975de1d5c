"""DetectronResize against sampling by hand: one factor for pixels and boxes."""

import numpy as np
import pytest
import torch
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes

import mmdet_efpn  # noqa: F401  (registers the transform)


def resized(image, **kwargs):
    transform = TRANSFORMS.build(dict(type='DetectronResize', **kwargs))
    return transform(
        dict(img=image, gt_bboxes=HorizontalBoxes(torch.tensor([[10.0, 20.0, 30.0, 40.0]])))
    )


def sampled(image, factor, height, width):
    """Bilinear values where pixels of the factor's grid lie, the border's beyond it."""

    def weights(length, size):
        places = ((np.arange(length) + 0.5) / factor - 0.5).clip(0, size - 1)
        low = np.floor(places).astype(int).clip(max=size - 2)
        matrix = np.zeros((length, size))
        matrix[np.arange(length), low] = 1 - (places - low)
        matrix[np.arange(length), low + 1] = places - low
        return matrix

    rows, columns = weights(height, image.shape[0]), weights(width, image.shape[1])
    return np.stack([rows @ image[..., i] @ columns.T for i in range(3)], axis=-1)


@pytest.mark.parametrize(
    ('size', 'scale', 'factor', 'result'),
    [
        ((480, 640), (1333, 800), 800 / 480, (800, 1067)),
        ((131, 177), (320, 224), 224 / 131, (224, 303)),
        ((60, 190), (224, 320), 320 / 190, (101, 320)),  # the long side decides
        ((48, 80), (100, 60), 1.25, (60, 100)),
    ],
)
def test_one_factor_for_pixels_and_boxes(size, scale, factor, result):
    image = np.random.default_rng(0).uniform(0, 255, (*size, 3)).astype(np.float32)
    found = resized(image, scale=scale)
    assert found['img'].shape[:2] == found['img_shape'] == result
    assert found['scale_factor'] == (factor, factor)
    np.testing.assert_allclose(found['img'], sampled(image, factor, *result), atol=0.05)
    torch.testing.assert_close(
        found['gt_bboxes'].tensor, torch.tensor([[10.0, 20.0, 30.0, 40.0]]) * factor
    )
