"""A written config, applied to the plain one by MMEngine's inheritance, gives the extended one."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import Config

from mmdet_efpn.extend.config_text import _literal, changes

pytestmark = pytest.mark.usefixtures('unchecked')

KEYS = st.sampled_from(['type', 'a', 'b', 'strides', 'neck'])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text('ab\'"\\ é', max_size=4)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.sampled_from(['not a name', '0']), inner, max_size=2)
    ),
    max_leaves=12,
)
CONFIGS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(plain=CONFIGS, other=CONFIGS)
@settings(max_examples=150, deadline=None, database=None)
def test_changes_lead_from_the_plain_config_to_the_extended_one(plain, other):
    extended = {**plain, **other}  # an extended config keeps all top-level keys
    difference = changes(plain, extended)
    merged = Config._merge_a_into_b(copy.deepcopy(difference), copy.deepcopy(plain))
    assert merged == extended
    assert changes(extended, extended) == {}


@given(value=VALUES, indent=st.integers(0, 60))
@settings(max_examples=150, deadline=None, database=None)
def test_a_literal_reads_back(value, indent):
    assert eval(_literal(value, indent), {'dict': dict}) == value
