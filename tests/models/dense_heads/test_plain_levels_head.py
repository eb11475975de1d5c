"""A head that is given the plain levels of an extended pyramid."""

import pytest
import torch
from mmdet.registry import MODELS

from mmdet_efpn.models.dense_heads import PlainLevelsHead
from mmdet_efpn.utils.errors import UserError

HEAD = dict(type='PanopticFPNHead', in_channels=32, num_things_classes=2, num_stuff_classes=3)


@pytest.fixture
def heads():
    """The wrapped head and the plain one, with the same weights."""
    torch.manual_seed(0)
    plain, wrapped = MODELS.build(HEAD), PlainLevelsHead(HEAD, num_added=2)
    wrapped.load_state_dict(plain.state_dict())
    return wrapped.eval(), plain.eval()


@pytest.fixture
def levels():
    torch.manual_seed(1)
    return [torch.rand(1, 32, side, side) for side in (64, 32, 16, 8, 4, 2)]


def test_it_gives_what_the_plain_head_gives_of_its_levels(heads, levels):
    wrapped, plain = heads
    assert torch.equal(wrapped(levels)['seg_preds'], plain(levels[2:])['seg_preds'])
    metas = [dict(batch_input_shape=(64, 64), img_shape=(64, 64), ori_shape=(64, 64))]
    found, expected = (h.predict(x, metas) for h, x in ((wrapped, levels), (plain, levels[2:])))
    assert torch.equal(found[0], expected[0])


def test_weights_and_attributes_are_the_plain_heads(heads):
    wrapped, plain = heads
    assert list(wrapped.state_dict()) == list(plain.state_dict())
    assert wrapped.num_stuff_classes == 3
    with pytest.raises(AttributeError, match='no_such_attribute'):
        _ = wrapped.no_such_attribute


@pytest.mark.parametrize('num_added', [0, -1, 1.5, None])
def test_a_wrong_number_of_levels_is_named(num_added):
    with pytest.raises(UserError, match=f'num_added counts the finer levels.*got {num_added}'):
        PlainLevelsHead(HEAD, num_added)
