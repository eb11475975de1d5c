"""Small RoIs pooled from P2' and from P2 at test time: both copies are classified, NMS merges them."""

import pytest
import torch
from mmcv.ops import nms
from mmdet.structures.bbox import bbox2roi
from test_extended_roi_head import (
    MASK_HEAD,
    STRIDES,
    TEST_CFG,
    mask_extractor,
    proposals,
    pyramid,
    roi_head,
    samples,
    square,
)

from mmdet_efpn.models import PyramidExtension
from mmdet_efpn.utils.errors import UserError

BOXES = [
    square(float(side), float(x), 50.0)
    for side, x in ((8, 10), (40, 30), (55, 60), (70, 90), (110, 20), (150, 5))
]
NUM_SMALL = 5  # under 112 pixels
HEADS = [dict(extended_bbox_head=False), dict(extended_bbox_head=True)]


def from_level(head, x, level, rois):
    return head.bbox_roi_extractor.roi_layers[level](x[level], rois)


def by_hand(head, x, boxes):
    """Detections of one image, copy by copy."""
    rois = bbox2roi([torch.tensor(boxes)])
    second = head.extended_bbox_head or head.bbox_head
    copies = [(roi, second, 0) for roi in rois[:NUM_SMALL]]
    for roi, box in zip(rois, boxes, strict=True):
        side = box[2] - box[0]
        copies.append((roi, head.bbox_head, 1 if side < 112 else 2))
    found = []
    for roi, box_head, level in copies:
        cls_score, bbox_pred = box_head(from_level(head, x, level, roi[None]))
        scores = cls_score.softmax(dim=1)[0, :-1]
        decoded = box_head.bbox_coder.decode(
            roi[None, 1:].expand(3, 4), bbox_pred.view(3, 4), max_shape=(256, 256)
        )
        found += [
            (*box.tolist(), score.item(), label)
            for label, (box, score) in enumerate(zip(decoded, scores, strict=True))
        ]
    kept = []
    for label in range(3):
        own = torch.tensor([each[:5] for each in found if each[5] == label])
        dets, _ = nms(own[:, :4].contiguous(), own[:, 4].contiguous(), 0.5)
        kept += [(*det.tolist(), label) for det in dets]
    return torch.tensor(sorted(kept, key=lambda det: -det[4])[:100])


@pytest.mark.parametrize('heads', HEADS, ids=['one head', 'two heads'])
def test_detections_are_those_of_all_copies(heads):
    head, x = roi_head(pool_small_rois_from='both', **heads).eval(), pyramid()
    for module in head.modules():
        if isinstance(module, torch.nn.Linear):
            torch.nn.init.normal_(module.weight, std=0.2)
    with torch.no_grad():
        (found,) = head.predict(x, proposals(*BOXES), samples())
        expected = by_hand(head, x, BOXES)
    assert len(expected) > 15
    torch.testing.assert_close(found.bboxes, expected[:, :4])
    torch.testing.assert_close(found.scores, expected[:, 4])
    assert found.labels.tolist() == expected[:, 5].tolist()


def test_images_of_a_batch_keep_their_copies():
    head, x = roi_head(pool_small_rois_from='both').eval(), pyramid()
    batch = [torch.cat((level, level * 0.5 + 1)) for level in x]
    lists = [proposals(*BOXES)[0], proposals()[0], proposals(*BOXES[2:])[0]]
    batch = [torch.cat((level, level[:1])) for level in batch]
    with torch.no_grad():
        together = head.predict(batch, lists, samples() * 3)
        alone = [
            head.predict([level[i : i + 1] for level in batch], [each], samples())[0]
            for i, each in enumerate(lists)
        ]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one.bboxes, other.bboxes)
        torch.testing.assert_close(one.scores, other.scores)
    assert len(together[1]) == 0


def test_training_and_masks_are_as_without():
    kwargs = dict(mask_head=MASK_HEAD, mask_roi_extractor=mask_extractor(STRIDES))
    twice, once = (roi_head(pool_small_rois_from=how, **kwargs) for how in ('both', 'p2_prime'))
    x = pyramid()
    rois = torch.tensor([[0, *box] for box in BOXES])
    for run in ('_bbox_forward', '_mask_forward'):
        for ours, theirs in zip(
            getattr(twice, run)(x, rois).values(), getattr(once, run)(x, rois).values(), strict=True
        ):
            assert torch.equal(ours, theirs)
    twice.test_cfg = TEST_CFG | dict(mask_thr_binary=0.5)
    (found,) = twice.eval().predict(x, proposals(*BOXES), samples(), rescale=True)
    assert len(found.masks) == len(found.bboxes) > 0


@pytest.mark.parametrize('boxes', [BOXES[:2], BOXES[-1:], []], ids=['small', 'large', 'none'])
@pytest.mark.parametrize('heads', HEADS, ids=['one head', 'two heads'])
def test_predicts_without_rois_of_a_kind(heads, boxes):
    head = roi_head(pool_small_rois_from='both', **heads).eval()
    (found,) = head.predict(pyramid(), proposals(*boxes), samples())
    assert (len(found) > 0) == bool(boxes)


def levels_of(form, x):
    """The pyramid with P2' in one of the forms that are no map, and with the map."""
    cfg = dict(
        deferred=dict(sparse=True, sparse_tile=16),
        narrow=dict(separable=True, widen_on_rois=True),
        on_rois=dict(on_rois=True),
    )[form]
    torch.manual_seed(2)
    extension = PyramidExtension(3, 4, dict(type='PointwiseFTT'), **cfg).eval()
    c2_prime = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        level, _ = extension(c2_prime, x[1], x[2], with_p3_prime=False)
    return level


@pytest.mark.parametrize('form', ['deferred', 'narrow', 'on_rois'])
def test_forms_of_p2_prime_that_are_no_map(form):
    """On tiles and widened on RoIs the result is the map's; made on RoIs it is its own pooling's."""
    head, x = roi_head(pool_small_rois_from='both').eval(), pyramid()
    level = levels_of(form, x)
    with torch.no_grad():
        (found,) = head.predict((level, *x[1:]), proposals(*BOXES), samples())
        if form == 'on_rois':
            rois = torch.tensor([[0, *box] for box in BOXES[:NUM_SMALL]])
            pooled = level.pooled(rois, head.bbox_roi_extractor.roi_layers[0])
            best = head.extended_bbox_head(pooled)[0].softmax(dim=1)[:, :-1].max()
            assert best in found.scores
        else:
            (expected,) = head.predict((level.dense(), *x[1:]), proposals(*BOXES), samples())
            torch.testing.assert_close(found.bboxes, expected.bboxes, rtol=1e-4, atol=1e-3)
            torch.testing.assert_close(found.scores, expected.scores, rtol=1e-4, atol=1e-5)


def test_another_value_is_refused():
    with pytest.raises(UserError, match=r"pool_small_rois_from must be one of .*, got 'p2'"):
        roi_head(pool_small_rois_from='p2')
