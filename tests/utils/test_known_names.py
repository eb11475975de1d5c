import subprocess
import sys

import pytest

from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.known_names import argument_names, check_arguments, known_arguments_only, nearest


class Base:
    def __init__(self, width, init_cfg=None):
        self.width = width


class HandsUp(Base):
    def __init__(self, depth, *args, **kwargs):
        self.scale = kwargs.pop('scale', 1)
        super().__init__(*args, **kwargs)


class NoInit(HandsUp):
    pass


class GoesElsewhere(Base):
    def __init__(self, **kwargs):
        super().__init__(1)
        self.others = kwargs


@known_arguments_only
class Strict(HandsUp):
    """Has a docstring."""

    def __init__(self, height=3, **kwargs):
        super().__init__(**kwargs)
        self.height = height


def test_nearest_name():
    assert nearest('hiden_channels', ['channels', 'hidden_channels', 'init_cfg']) == 'hidden_channels'
    assert nearest('zzz', ['channels']) is None


@pytest.mark.parametrize(
    ('cls', 'names'),
    [
        (Base, {'width', 'init_cfg'}),
        (HandsUp, {'depth', 'scale', 'width', 'init_cfg'}),
        (NoInit, {'depth', 'scale', 'width', 'init_cfg'}),
        (GoesElsewhere, None),
        (Strict, {'height', 'depth', 'scale', 'width', 'init_cfg'}),
    ],
)
def test_argument_names_follow_kwargs_up(cls, names):
    assert argument_names(cls) == names


def test_unknown_argument_names_the_nearest():
    with pytest.raises(
        UserError, match=r"^Strict has no argument 'hieght'; did you mean 'height'\? It takes"
    ):
        Strict(hieght=4, depth=1, width=2)
    strict = Strict(height=4, depth=1, width=2, scale=5)
    assert (strict.height, strict.width, strict.scale) == (4, 2, 5)


def test_unknown_argument_of_a_subclass():
    class Own(Strict):
        def __init__(self, colour, **kwargs):
            super().__init__(**kwargs)

    assert Own(colour=1, depth=1, width=2).width == 2
    with pytest.raises(UserError, match=r"^Strict has no argument 'colouur'; It takes"):
        Own(colour=1, colouur=1)


def test_message_begins_with_the_config_key():
    with pytest.raises(
        UserError, match=r"^neck\.ftt\.widht: Base has no argument 'widht'; did you mean"
    ):
        check_arguments(Base, ['init_cfg', 'widht'], 'neck.ftt')


def test_signature_and_docstring_stay():
    import inspect

    assert list(inspect.signature(Strict).parameters) == ['height', 'kwargs']
    assert Strict.__doc__ == 'Has a docstring.'


def test_no_torch_needed():
    code = (
        'import importlib.util, sys, types\n'
        'for name in ("mmdet_efpn", "mmdet_efpn.utils"):\n'
        '    module = types.ModuleType(name); module.__path__ = [name.replace(".", "/")]\n'
        '    sys.modules[name] = module\n'
        'import mmdet_efpn.utils.known_names\n'
        'sys.exit(any(name in sys.modules for name in ("torch", "mmengine")))\n'
    )
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0
