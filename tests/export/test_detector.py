"""The function that is exported, against MMDetection's own predictions and plain formulas."""

import pytest
import torch
from mmdet.models.task_modules import DeltaXYWHBBoxCoder
from mmdet.registry import MODELS
from torchvision.ops import box_iou

from mmdet_efpn.export import ExportedDetector
from mmdet_efpn.export.boxes import Candidates, best, decoded, suppressed
from mmdet_efpn.utils.errors import UserError

DEMO = 'demo/faster-rcnn_r18_efpn_demo_synthetic-signs.py'
SHAPES = ((1, 3, 96, 128), (2, 3, 150, 111), (1, 3, 70, 200))


@pytest.mark.parametrize(
    'name',
    [
        DEMO,
        'deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py',
        'deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
        'deeppcb/retinanet_r18_efpn_1500-iters_deeppcb-320.py',
        'deeppcb/fcos_r18_efpn_1500-iters_deeppcb-320.py',
    ],
)
def test_it_predicts_what_the_detector_predicts(
    small_detector, own_predictions, raw_pictures, assert_equal, name
):
    model = small_detector(name)
    exported = ExportedDetector(model, normalise=True)
    for shape in SHAPES:
        pictures = raw_pictures(*shape)
        assert_equal(exported(pictures), own_predictions(model, pictures), 1e-3, 1e-5)


def test_normalised_pictures_give_what_raw_ones_give(small_detector, raw_pictures):
    model = small_detector(DEMO)
    raw = raw_pictures(1, 3, 96, 128)
    mean, std = model.data_preprocessor.mean, model.data_preprocessor.std
    normalised = (raw[:, [2, 1, 0]] - mean) / std  # the demo's network takes RGB
    inside = ExportedDetector(model, normalise=True)(raw)
    outside = ExportedDetector(model)(normalised)
    for one, other in zip(inside, outside, strict=True):
        torch.testing.assert_close(one, other)


def test_the_detector_is_left_alone(small_detector):
    model = small_detector(DEMO)
    model.neck.extension.sparse = True
    ExportedDetector(model)
    assert model.neck.extension.sparse
    assert all(parameter.requires_grad for parameter in model.rpn_head.parameters())


def test_boxes_are_decoded_as_by_the_coder():
    torch.manual_seed(0)
    corners = torch.rand(50, 2) * 80
    priors = torch.cat((corners, corners + torch.rand(50, 2) * 40), dim=1)
    deltas = torch.randn(50, 4) * 4
    coder = DeltaXYWHBBoxCoder(target_stds=(0.1, 0.1, 0.2, 0.2))
    wanted = coder.decode(priors, deltas, max_shape=(60, 90))
    torch.testing.assert_close(decoded(coder, priors, deltas, (60, 90)), wanted)


def test_nms_keeps_pictures_and_groups_apart():
    torch.manual_seed(0)
    corners = torch.rand(200, 2) * 30
    boxes = torch.cat((corners, corners + 10 + torch.rand(200, 2) * 10), dim=1)
    groups, pictures = torch.randint(0, 3, (200,)), torch.randint(0, 2, (200,))
    found = Candidates(boxes, torch.rand(200), groups, pictures)
    kept = suppressed(found, 0.5, 7, 3, 2)
    for picture in (0, 1):
        wanted = []
        for i in found.scores.argsort(descending=True).tolist():
            rivals = [k for k in wanted if groups[k] == groups[i]]
            overlap = box_iou(boxes[i][None], boxes[rivals]) if rivals else torch.zeros(1)
            if pictures[i] == picture and overlap.max() <= 0.5:
                wanted.append(i)
        mine = kept.pictures == picture
        assert kept.scores[mine].tolist() == found.scores[wanted[:7]].tolist()


def test_fewer_than_wanted_are_filled_up():
    values, index = best(torch.tensor([[0.2, 0.9]]), 3)
    assert values[0].tolist() == pytest.approx([0.9, 0.2, -1])
    assert index[0].tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({'test_cfg.rcnn.nms.type': 'soft_nms'}, 'soft_nms'),
        ({'roi_head.pool_small_rois_from': 'both'}, 'pool_small_rois_from'),
        ({'neck.extension_cfg.on_rois': True, 'neck.extension_cfg.widen_on_rois': False}, 'on_rois'),
        ({'rpn_head.anchor_generator.type': 'TorchvisionAnchorGenerator'}, 'Torchvision'),
        ({'roi_head.bbox_head.bbox_coder.type': 'DetectronBBoxCoder'}, 'DetectronBBoxCoder'),
    ],
)
def test_what_cannot_be_exported_is_refused(small_detector, changes, said):
    model = small_detector(DEMO, **{f'model.{key}': value for key, value in changes.items()})
    with pytest.raises(UserError, match=said):
        ExportedDetector(model)


@pytest.mark.parametrize('kind', ['SwinFTT', 'HATFTT'])
def test_attention_is_refused(small_detector, kind):
    name = 'deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py'
    with pytest.raises(UserError, match=f'neck.extension.ftt is a {kind}'):
        ExportedDetector(small_detector(name, **{'model.neck.ftt': dict(type=kind, _delete_=True)}))


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco', 'DeformConv2dPack'),
        ('carafe/faster-rcnn_r50_fpn-carafe_1x_coco', 'CARAFE'),
        ('cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco', 'CascadeRoIHead'),
        ('gfl/gfl_r50_fpn_1x_coco', 'a way of its own'),
        ('mask_rcnn/mask-rcnn_r50_fpn_1x_coco', 'masks'),
    ],
)
def test_other_detectors_are_refused(shipped, name, said):
    with pytest.raises(UserError, match=said):
        ExportedDetector(MODELS.build(shipped(name, light=name.startswith('gfl')).model))
