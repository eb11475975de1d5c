"""A misspelt argument of one of our modules is an error that names the nearest argument."""

import pytest
from mmdet.registry import MODELS

import mmdet_efpn  # noqa: F401  (registers the modules)
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.known_names import argument_names

TAKES_ARGUMENTS_OF_OTHERS = {'TimmBackbone'}  # those of timm's models; see its own tests
OURS = sorted(
    name for name, cls in MODELS.module_dict.items() if cls.__module__.startswith('mmdet_efpn.models.')
)
LAYERS = {name for name in OURS if '.layers.' in MODELS.get(name).__module__}


def test_all_modules_are_looked_at():
    assert {'EFPN', 'ExtendedNeck', 'ExtendedRoIHead', 'HATFTT', 'ExtendedResNeXt'} <= set(OURS)


@pytest.mark.parametrize('name', sorted(set(OURS) - TAKES_ARGUMENTS_OF_OTHERS - LAYERS))
def test_misspelt_argument(name):
    known = argument_names(MODELS.get(name))
    right = max(sorted(known), key=len)
    wrong = right + 's'
    message = rf"{name} has no argument '{wrong}'; did you mean '{right}'\? It takes .*{right}"
    with pytest.raises(UserError, match=message):
        MODELS.build(dict(type=name, **{wrong: 1}))


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (
            dict(type='HighResolutionTap', backbone=None),
            r"backbone\.backbone must be a config such as dict\(type='ResNet', depth=50\), got None",
        ),
        (
            dict(type='HighResolutionTap', backbone=dict(type='ResNet', dept=18)),
            r"backbone\.backbone\.dept: ResNet has no argument 'dept'; did you mean 'depth'\?",
        ),
        (dict(type='PartlyTrainedDetector', detector={}), r'model\.detector\.type is missing'),
        (dict(type='CrossResolutionDistiller', detector=None), r'model\.detector must be a config'),
    ],
)
def test_config_of_a_part_is_named(cfg, message):
    with pytest.raises(UserError, match=message):
        MODELS.build(cfg)
