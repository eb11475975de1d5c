"""Files in detectron2's layout in MMDetection's detectors: the modules compute what detectron2's do."""

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

from mmdet_efpn.checkpoints import extend_weights
from mmdet_efpn.checkpoints.key_maps import KEY_MAPS, apply_key_map, recognise
from mmdet_efpn.utils.pretrained import without_weights
from mmdet_efpn.utils.read_config import read_config

sys.path.insert(0, str(Path(__file__).parent))
import detectron2_files as files

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
IMAGE = torch.randn(1, 3, 64, 128, generator=torch.Generator().manual_seed(1)).double()


def started(shapes: dict, config, tmp_path):
    """The detector in float64 with the weights of a file, the file's weights, and the report."""
    weights = files.filled(shapes)
    files.save_as_zoo(weights, tmp_path / 'model_final.pkl')
    transfer = extend_weights(tmp_path / 'model_final.pkl', config, tmp_path / 'ours.pth')
    detector = MODELS.build(without_weights(read_config(config).model)).eval().double()
    saved = torch.load(tmp_path / 'ours.pth', weights_only=True)['state_dict']
    detector.load_state_dict(saved, strict=False)
    return detector, {name: weight.double() for name, weight in weights.items()}, transfer


def same(ours, theirs):
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() < 1e-10 * theirs.abs().max()


@torch.no_grad()
def test_mask_rcnn_and_so_faster_rcnn(tmp_path):
    config = 'mmdet::mask_rcnn/mask-rcnn_r50-caffe_fpn_1x_coco.py'
    detector, w, transfer = started(files.mask_rcnn(), config, tmp_path)
    levels = detector.extract_feat(IMAGE)
    for ours, theirs in zip(levels, files.pyramid(w, IMAGE, 2), strict=True):
        same(ours, theirs)
    rpn = 'proposal_generator.rpn_head.'
    hidden = files.conv(w, rpn + 'conv', levels[1]).relu()
    scores, deltas = detector.rpn_head(levels[1:2])
    same(scores[0], files.conv(w, rpn + 'objectness_logits', hidden))
    same(deltas[0], files.conv(w, rpn + 'anchor_deltas', hidden))
    rois = torch.randn(3, 256, 7, 7).double()
    scores, deltas = detector.roi_head.bbox_head(rois)
    hidden = files.linear(w, 'roi_heads.box_head.fc1', rois.flatten(1)).relu()
    hidden = files.linear(w, 'roi_heads.box_head.fc2', hidden).relu()
    same(scores, files.linear(w, 'roi_heads.box_predictor.cls_score', hidden))
    same(deltas, files.linear(w, 'roi_heads.box_predictor.bbox_pred', hidden))
    hidden = rois
    for i in range(1, 5):
        hidden = files.conv(w, f'roi_heads.mask_head.mask_fcn{i}', hidden).relu()
    name = 'roi_heads.mask_head.deconv'
    hidden = F.conv_transpose2d(hidden, w[name + '.weight'], w[name + '.bias'], stride=2).relu()
    same(detector.roi_head.mask_head(rois), files.conv(w, 'roi_heads.mask_head.predictor', hidden))
    assert transfer.missing == transfer.no_place == transfer.other_shape == []
    lines = transfer.lines()
    assert lines[0] == "weights used: the only ones in the file, below 'model'"
    assert 'source: detectron2' in lines
    assert '5 of its weights dropped: anchors, which the config makes:' in lines
    assert (
        "2 of its weights dropped: pixel statistics, which the config's data_preprocessor has:" in lines
    )
    expected = (
        "pixels: BGR, mean 103.53, 116.28, 123.675, std 1, 1, 1, as the config's data_preprocessor"
    )
    assert lines[-1].startswith(expected)


@torch.no_grad()
def test_retinanet_whose_anchors_are_listed_in_another_order(tmp_path):
    config = CONFIGS / 'plain_starts' / 'retinanet_r50_fpn_detectron2_coco.py'
    detector, w, transfer = started(files.retinanet(), config, tmp_path)
    levels = detector.extract_feat(IMAGE)
    for ours, theirs in zip(levels, files.pyramid(w, IMAGE, 3), strict=True):
        same(ours, theirs)
    anchors = []  # sizes outside ratios
    for size in (32 * 2 ** (i / 3) for i in range(3)):
        for ratio in (0.5, 1.0, 2.0):
            width, height = size / ratio**0.5, size * ratio**0.5
            anchors.append((-width / 2, -height / 2, width / 2, height / 2))
    ours = detector.bbox_head.prior_generator.base_anchors[0]
    gaps = (ours[:, None] - torch.tensor(anchors)).abs().sum(-1)
    order = gaps.argmin(1)
    assert gaps.min(1).values.max() < 1e-3
    assert sorted(order.tolist()) == list(range(9)) != order.tolist()
    scores, deltas = detector.bbox_head(levels[:1])
    for found, branch, predictor in ((scores[0], 'cls', 'cls_score'), (deltas[0], 'bbox', 'bbox_pred')):
        hidden = levels[0]
        for i in (0, 2, 4, 6):
            hidden = files.conv(w, f'head.{branch}_subnet.{i}', hidden).relu()
        theirs = files.conv(w, f'head.{predictor}', hidden).unflatten(1, (9, -1))
        same(found.unflatten(1, (9, -1)), theirs[:, order])
    assert transfer.missing == transfer.no_place == transfer.other_shape == []
    assert [line for line in transfer.lines() if 'reordered' in line]


@torch.no_grad()
def test_pointrend_starts_the_seeds_config(tmp_path):
    config = CONFIGS / 'released' / 'point-rend_r50_efpn-pointwise_100k-iters_coco.py'
    detector, w, transfer = started(files.pointrend(), config, tmp_path)
    assert transfer.no_place == transfer.other_shape == []
    assert {name.rpartition('.')[0].startswith('neck.extension') for name in transfer.missing} == {True}
    for ours, theirs in zip(detector.extract_feat(IMAGE)[1:], files.pyramid(w, IMAGE, 2), strict=False):
        same(ours, theirs)
    rois = torch.randn(3, 256, 14, 14).double()
    coarse, point = 'roi_heads.mask_head.coarse_head.', 'roi_heads.mask_head.point_head.'
    name = coarse + 'reduce_spatial_dim_conv'
    hidden = F.conv2d(rois, w[name + '.weight'], w[name + '.bias'], stride=2).relu().flatten(1)
    for i in (1, 2):
        hidden = files.linear(w, f'{coarse}fc{i}', hidden).relu()
    masks = files.linear(w, coarse + 'prediction', hidden).view(3, 80, 7, 7)
    same(detector.roi_head.mask_head(rois), masks)
    fine, coarse_points = torch.randn(3, 256, 11).double(), torch.randn(3, 80, 11).double()
    hidden = fine
    for name in ('fc1', 'fc2', 'fc3', 'predictor'):
        weight, bias = w[f'{point}{name}.weight'], w[f'{point}{name}.bias']
        hidden = F.conv1d(torch.cat((hidden, coarse_points), 1), weight, bias)
        hidden = hidden if name == 'predictor' else hidden.relu()
    same(detector.roi_head.point_head(fine, coarse_points), hidden)


def test_both_formats_of_pointrend_have_the_same_names_here():
    renamed = []
    for old in (False, True):
        weights = {
            name: torch.empty(shape, device='meta') for name, shape in files.pointrend(old=old).items()
        }
        key_map = recognise(weights, KEY_MAPS)
        assert key_map.source == 'pointrend'
        ours, renaming = apply_key_map(weights, key_map)
        assert renaming.unknown == []
        renamed.append({name: weight.shape for name, weight in ours.items()})
    assert renamed[0] == renamed[1]


@pytest.mark.parametrize('kind', ['mask_rcnn', 'retinanet', 'two_stage'])
def test_sources_are_told_apart(kind):
    shapes = files.two_stage(80) if kind == 'two_stage' else getattr(files, kind)()
    assert recognise(shapes, KEY_MAPS).source == 'detectron2'
