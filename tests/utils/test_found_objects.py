"""What counts as an object, for each kind of detector."""

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData, PixelData

from mmdet_efpn.utils.found_objects import found_objects, limits_of_detections


def square(top, left, side, shape=(20, 30)):
    mask = torch.zeros(shape, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_boxes_come_as_they_are_the_surest_last():
    boxes = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [0, 0, 1, 1]])
    instances = InstanceData(
        bboxes=boxes, scores=torch.tensor([0.9, 0.2, 0.5]), labels=torch.tensor([1, 0, 2])
    )
    found = found_objects(DetDataSample(pred_instances=instances))
    assert len(found) == 3
    shown = found.above(0.5)
    assert shown.labels.tolist() == [2, 1]
    assert shown.bboxes.tolist() == [[0, 0, 1, 1], [1, 2, 3, 4]]


def test_masks_without_boxes_get_boxes_around_them():
    """SOLO's boxes are zeros."""
    masks = torch.stack([square(4, 7, 3), torch.zeros(20, 30, dtype=torch.bool)])
    instances = InstanceData(masks=masks, scores=torch.ones(2), labels=torch.zeros(2, dtype=int))
    assert found_objects(DetDataSample(pred_instances=instances)).bboxes.tolist() == [
        [7, 4, 10, 7],
        [0, 0, 0, 0],
    ]
    instances.bboxes = torch.zeros(2, 4)
    assert found_objects(DetDataSample(pred_instances=instances)).bboxes[0].tolist() == [7, 4, 10, 7]


def test_segments_of_a_panoptic_map_are_objects():
    """Two of class 1, one of class 0; class 5 is a background without instances."""
    panoptic = torch.full((1, 20, 30), 5)
    for kind, mask in ((1, square(0, 0, 4)), (1001, square(10, 20, 5)), (2000, square(5, 5, 2))):
        panoptic[0, mask] = kind
    sample = DetDataSample(pred_panoptic_seg=PixelData(sem_seg=panoptic))
    found = found_objects(sample, things=5)
    assert found.labels.tolist() == [1, 1, 0]
    assert found.bboxes.tolist() == [[0, 0, 4, 4], [20, 10, 25, 15], [5, 5, 7, 7]]
    assert found.scores.tolist() == [1, 1, 1]
    assert len(found_objects(sample)) == 4


def test_nothing_predicted_is_no_object():
    assert len(found_objects(DetDataSample())) == 0
    empty = InstanceData(
        bboxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0, dtype=int)
    )
    found = found_objects(DetDataSample(pred_instances=empty))
    assert found.bboxes.shape == (0, 4)
    assert isinstance(found.above(0).labels, np.ndarray)


def test_the_limit_is_that_of_the_last_stage():
    assert limits_of_detections(dict(test_cfg=dict(max_per_img=300))) == {
        'model.test_cfg.max_per_img': 300
    }
    assert limits_of_detections(dict(test_cfg=dict(max_per_image=50))) == {
        'model.test_cfg.max_per_image': 50
    }
    assert limits_of_detections(dict(test_cfg=dict(rpn=dict(max_per_img=1000), rcnn=None))) == {}
    assert limits_of_detections({}) == {}
