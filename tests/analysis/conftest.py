"""Weights for the commands that measure trained detectors."""
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config


@pytest.fixture(scope='session')
def trained(tiny_config, tmp_path_factory):
    """Weights of the tiny detector, as if trained."""
    path = tmp_path_factory.mktemp('trained') / 'weights.pth'
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(tiny_config).model)
    model.init_weights()
    torch.save(dict(state_dict=model.state_dict()), path)
    return str(path)
