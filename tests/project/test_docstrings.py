"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
import pkgutil

import pytest

import mmdet_efpn

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(mmdet_efpn.__path__, 'mmdet_efpn.')
    if '.mim.' not in module.name and not module.name.endswith('.__main__')
)
WITH_EXAMPLES = {
    'mmdet_efpn.models.backbones.cascaded_resnext',
    'mmdet_efpn.models.backbones.extended_resnet',
    'mmdet_efpn.models.backbones.high_resolution_tap',
    'mmdet_efpn.models.backbones.timm_backbone',
    'mmdet_efpn.models.ftt.conv',
    'mmdet_efpn.models.ftt.hat',
    'mmdet_efpn.models.ftt.pointwise',
    'mmdet_efpn.models.ftt.swin',
    'mmdet_efpn.models.layers.attention',
    'mmdet_efpn.models.layers.channel_attention',
    'mmdet_efpn.models.layers.hybrid_attention',
    'mmdet_efpn.models.layers.overlapping_attention',
    'mmdet_efpn.models.layers.patch_merging',
    'mmdet_efpn.models.layers.swin_group',
    'mmdet_efpn.models.layers.window_attention',
    'mmdet_efpn.models.layers.windows',
    'mmdet_efpn.models.necks.efpn',
    'mmdet_efpn.extend.config_text',
    'mmdet_efpn.extend.parts.dense_head',
    'mmdet_efpn.extend.config',
    'mmdet_efpn.models.necks.extended_neck',
}


@pytest.mark.parametrize('name', MODULES)
def test_examples(name, monkeypatch):
    # An earlier test of this process may have made a logger, whose lines doctest would read.
    monkeypatch.setattr('mmdet_efpn.extend.config.print_log', lambda *_, **__: None)
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert results.failed == 0
    assert results.attempted > 0 or name not in WITH_EXAMPLES
