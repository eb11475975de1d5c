"""Made boxes, detectors of MMDetection's shipped configs, and findings of the tiny data set."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmdet_efpn.datasets import Boxes
from mmdet_efpn.utils.pretrained import without_weights


@pytest.fixture
def built(shipped):
    """Function that builds one of MMDetection's detectors, light and without weights."""

    def build(name: str, light: bool = True):
        init_default_scope('mmdet')
        return MODELS.build(Config(dict(model=without_weights(shipped(name, light).model))).model)

    return build


@pytest.fixture
def made_boxes():
    """Function that makes boxes of 3 to ``most`` px in one picture, some of them ignored."""

    def make(seed=0, amount=40, most=90, height=160, width=224, ignored=0) -> Boxes:
        generator = torch.Generator().manual_seed(seed)
        sides = torch.rand(amount + ignored, 2, generator=generator) * (most - 3) + 3
        corner = torch.rand(amount + ignored, 2, generator=generator)
        corner = corner * (torch.tensor([width, height]) - sides).clamp(min=0)
        boxes = torch.cat([corner, torch.minimum(corner + sides, torch.tensor([width, height]))], 1)
        return Boxes(boxes[:amount], height, width, boxes[amount:] if ignored else None)

    return make
