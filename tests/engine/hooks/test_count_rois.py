"""The share of RoIs on P2' in a training's log."""

from types import SimpleNamespace

import pytest
import torch
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmengine.logging import MessageHub
from torch import nn

from mmdet_efpn.engine.hooks import ROI_SHARE, CountRoIs


def extractor(*strides):
    layer = dict(type='RoIAlign', output_size=2, sampling_ratio=1)
    return SingleRoIExtractor(layer, 4, list(strides), finest_scale=28)


def rois(*sides):
    return torch.tensor([[0.0, 0.0, 0.0, side, side] for side in sides])


@pytest.fixture
def run(request):
    """A stand-in for a runner, its model of some extractors, and the hook that listens to them."""

    def make(*extractors):
        hub = MessageHub.get_instance(f'{request.node.name}{len(extractors)}')
        runner = SimpleNamespace(model=nn.ModuleList(extractors), message_hub=hub)
        hook = CountRoIs()
        hook.before_train(runner)
        return runner, hook

    return make


def logged(runner):
    return runner.message_hub.log_scalars[f'train/{ROI_SHARE}'].current()


def test_the_share_is_of_rois_under_56_pixels(run):
    one = extractor(2, 4, 8)
    maps = [torch.rand(1, 4, 256 // stride, 256 // stride) for stride in (2, 4, 8)]
    before = one(maps, rois(10, 55, 57, 200))
    runner, hook = run(one)
    assert torch.equal(one(maps, rois(10, 55, 57, 200)), before)
    one.map_roi_levels(rois(10), 3)  # a part of them again
    hook.after_train_iter(runner, 0)
    assert logged(runner) == 0.5
    one(maps, rois(10, 55, 20, 200))
    hook.after_train_iter(runner, 1)
    assert logged(runner) == 0.75


def test_the_mean_over_stages_counts(run):
    stages = extractor(2, 4), extractor(2, 4)
    runner, hook = run(*stages)
    stages[0].map_roi_levels(rois(10, 20), 2)
    stages[1].map_roi_levels(rois(10, 100), 2)
    hook.after_train_iter(runner, 0)
    assert logged(runner) == 0.75


def test_a_plain_detector_logs_nothing(run):
    plain = extractor(4, 8)
    runner, hook = run(plain)
    plain.map_roi_levels(rois(10), 2)
    hook.after_train_iter(runner, 0)
    assert not runner.message_hub.log_scalars


def test_after_training_the_extractor_is_as_before(run):
    one = extractor(2, 4)
    runner, hook = run(one)
    with torch.no_grad():
        one.map_roi_levels(rois(10), 2)
    assert not hook.seen  # a validation between
    hook.after_train(runner)
    assert 'map_roi_levels' not in vars(one)
    assert one.map_roi_levels(rois(10), 2).tolist() == [0]
