"""MMDetection's scope, in which the configs' modules are found."""

import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')
