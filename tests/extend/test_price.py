"""The price in the report, against numbers worked out by hand."""

import re

import torch
from torch import nn

from mmdet_efpn.evaluation.cost import kept_bytes
from mmdet_efpn.extend import extend_with_report

CELLS = sum((800 // s) * (1344 // s) for s in (8, 16, 32)) + 13 * 21 + 7 * 11  # strides 8 to 128


def test_anchors_of_a_one_stage_head_and_what_they_ask_for(shipped):
    _, report = extend_with_report(shipped('fcos/fcos_r50-caffe_fpn_gn-head_1x_coco', light=True))
    finer = (800 // 2) * (1344 // 2) + (800 // 4) * (1344 // 4)
    text = '\n'.join(report.prices)
    assert f'800x1344: {CELLS} to {CELLS + finer} (16.0x)' in text
    assert any('16 times as many anchors or points' in line for line in report.kept)
    assert any('--levels p3_prime' in line for line in report.kept)


def test_four_times_as_many_is_no_surprise_at_stride_four(shipped):
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco', light=True)
    _, report = extend_with_report(cfg, levels='p3_prime')
    finer = (800 // 4) * (1344 // 4)
    assert f'{9 * CELLS} to {9 * (CELLS + finer)}' in '\n'.join(report.prices)
    assert not any('times as many anchors' in line for line in report.kept)


def test_box_heads_count_once_a_proposal(shipped):
    cfg = shipped('faster_rcnn/faster-rcnn_r50_fpn_1x_coco', light=True)
    totals = []
    for proposals in (1000, 2000):
        cfg.model.test_cfg.rpn.max_per_img = proposals
        prices = extend_with_report(cfg)[1].prices
        totals.append(int(re.search(r': (\d+) to', prices[0])[1]))
    head = cfg.model.roi_head.bbox_head
    width = head.fc_out_channels
    per_roi = 49 * head.in_channels * width + width * width + width * (5 * head.num_classes + 1)
    assert (
        totals[1] - totals[0] == round(1000 * per_roi / 1e9)
        or abs(totals[1] - totals[0] - 1000 * per_roi / 1e9) <= 1
    )


def test_memory_kept_for_the_backward_pass_of_two_convs():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1))
    images = torch.zeros(2, 3, 10, 12)
    # the first conv keeps the images, ReLU its output, which the second conv keeps as well
    assert kept_bytes(model, images) == 4 * (2 * 3 * 10 * 12 + 2 * 8 * 10 * 12)


def test_pictures_have_the_size_of_the_test_pipeline(shipped):
    _, report = extend_with_report(shipped('rtmdet/rtmdet_tiny_8xb32-300e_coco'))
    assert report.prices[0].startswith('a picture of 640x640: ')
