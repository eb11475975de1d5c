"""Small detectors with spread scores, and what MMDetection itself predicts."""

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_efpn.utils.read_config import read_config

SCORES = ('fc_cls.weight', 'retina_cls.weight', 'conv_cls.weight')


@pytest.fixture(scope='session')
def small_detector(repository):
    """Function that builds the detector of a config; random weights, with scores far apart."""

    def build(name: str, **changes) -> nn.Module:
        cfg = read_config(str(repository / 'configs' / name))
        cfg.model.backbone.init_cfg = None
        cfg.merge_from_dict(changes)
        init_default_scope('mmdet')
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        model.init_weights()
        for key, value in model.named_parameters():
            if key.endswith(SCORES):
                nn.init.normal_(value, std=0.3)
            if key.endswith('fc_reg.weight'):
                nn.init.normal_(value, std=0.05)
        return model.eval()

    return build


@pytest.fixture(scope='session')
def own_predictions():
    """Function that gives a detector's own predictions on raw pictures (B, 3, H, W)."""

    @torch.no_grad()
    def predict(model: nn.Module, pictures) -> list:
        size = tuple(pictures.shape[2:])
        meta = dict(img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
        data = dict(
            inputs=[picture.clone() for picture in pictures],
            data_samples=[DetDataSample(metainfo=dict(meta)) for _ in pictures],
        )
        data = model.data_preprocessor(data, False)
        found = model(data['inputs'], data['data_samples'], mode='predict')
        return [sample.pred_instances for sample in found]

    return predict


@pytest.fixture(scope='session')
def raw_pictures():
    """Function that makes raw pictures of a shape, the same each time."""

    def make(*shape: int):
        generator = torch.Generator().manual_seed(sum(shape))
        return torch.randint(0, 256, shape, generator=generator).float()

    return make


@pytest.fixture(scope='session')
def assert_equal():
    """Function that holds boxes, scores, labels, numbers against predictions of each picture."""

    def compare(found, own, pixels: float, score: float) -> None:
        boxes, scores, labels, numbers = (torch.as_tensor(part) for part in found)
        assert sum(map(len, own)) == len(boxes) > 0
        for number, wanted in enumerate(own):
            mine = numbers == number
            torch.testing.assert_close(boxes[mine], wanted.bboxes, rtol=0, atol=pixels)
            torch.testing.assert_close(scores[mine], wanted.scores, rtol=0, atol=score)
            assert labels[mine].tolist() == wanted.labels.tolist()

    return compare
