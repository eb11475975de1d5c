"""Which level serves a RoI, against the rule in whole numbers, for any box and at the exact edges."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mmdet.registry import MODELS

import mmdet_efpn  # noqa: F401  (sets MMDetection's scope)
from mmdet_efpn.models.roi_heads.pooling import on_p2_prime

ANY = settings(deadline=None, max_examples=50, derandomize=True, database=None)
FINEST_SCALE, NUM_LEVELS = 28, 5
# In half pixels, so that areas are exact; up to 1344 px.
PLACES, SIDES = st.integers(0, 1344), st.integers(1, 2688)
BOXES = st.lists(st.tuples(PLACES, PLACES, SIDES, SIDES), min_size=1, max_size=20)
EDGES = [(0, 0, 2 * side + more, 2 * side) for side in (28, 56, 112, 224, 448) for more in (-1, 0, 1)]


@pytest.fixture(scope='module')
def extractor():
    return MODELS.build(
        dict(
            type='SingleRoIExtractor',
            finest_scale=FINEST_SCALE,
            out_channels=1,
            featmap_strides=[2, 4, 8, 16, 32],
            roi_layer=dict(type='RoIAlign', output_size=7, sampling_ratio=2),
        )
    )


def level_of(width, height):
    """P2' takes boxes under 56 px, and each level takes twice that; sides in half pixels."""
    edges = [2 * FINEST_SCALE * 2**level for level in range(1, NUM_LEVELS)]
    return sum(width * height >= edge**2 for edge in edges)


@ANY
@given(boxes=BOXES, dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float64]))
@example(boxes=EDGES, dtype=torch.float32)
@example(boxes=EDGES, dtype=torch.bfloat16)
@example(boxes=[(x + 1, y + 7, h, w) for x, y, w, h in EDGES], dtype=torch.float32)
def test_levels_follow_the_rule(extractor, boxes, dtype):
    corners = torch.tensor(boxes, dtype=torch.float64) / 2
    corners[:, 2:] += corners[:, :2]
    rois = torch.cat((torch.zeros(len(boxes), 1), corners), dim=1).float()
    expected = torch.tensor([level_of(width, height) for _, _, width, height in boxes])
    assert torch.equal(extractor.map_roi_levels(rois, NUM_LEVELS), expected)
    pyramid = [None, torch.zeros(1, 1, 2, 2, dtype=dtype)]  # of the pyramid, only P2's type is read
    assert torch.equal(on_p2_prime(rois, pyramid, extractor), expected == 0)
