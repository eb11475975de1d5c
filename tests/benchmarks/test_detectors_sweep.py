"""The counts and the rows of the table of detectors."""

import pytest
import torch

from benchmarks.common.dense_steps import cost_of
from benchmarks.detectors_sweep import (
    BACKBONES,
    DETECTORS,
    OWN,
    document,
    pairs,
    run_pair,
    shipped,
    with_backbone,
)
from mmdet_efpn.evaluation.cost import BackboneNeckSteps, count_macs


@pytest.mark.parametrize('deformable', [False, True])
def test_cost_of_a_one_stage_detector_by_hand(deformable):
    model = shipped(DETECTORS['FCOS']).model
    model.bbox_head.dcn_on_last_conv = deformable
    parameters, macs, note = cost_of(model, 64)
    with torch.device('meta'):
        features = BackboneNeckSteps(model)
    trunk = count_macs(features, torch.empty(1, 3, 64, 64, device='meta'))
    cells = 8**2 + 4**2 + 2**2 + 1 + 1  # strides 8 to 128
    towers = 2 * 4 * 256 * 256 * 9  # two of four 3x3 convs
    offsets = 2 * 27 * 256 * 9 if deformable else 0  # x, y and a mask for each of 9 taps
    outputs = (80 + 4 + 1) * 256 * 9
    assert note == ''
    assert macs == trunk + cells * (towers + offsets + outputs)
    assert parameters > sum(p.numel() for p in features.parameters())


def test_what_cannot_be_counted_is_said():
    parameters, macs, note = cost_of(shipped(DETECTORS['Faster R-CNN (FPN_CARAFE)']).model, 64)
    assert parameters > 4e7
    assert macs is None
    assert 'CARAFE' in note


def test_backbone_is_taken_at_the_strides_the_detector_reads():
    rtmdet = shipped(DETECTORS['RTMDet-s'])
    resnet = shipped(BACKBONES['R-50']).model.backbone
    cfg = with_backbone(rtmdet, resnet)
    assert tuple(cfg.model.backbone.out_indices) == (1, 2, 3)
    assert cfg.model.neck.in_channels == [512, 1024, 2048]
    cspnext = with_backbone(shipped(DETECTORS['RetinaNet']), rtmdet.model.backbone)
    assert tuple(cspnext.model.backbone.out_indices) == (1, 2, 3, 4)
    timm = with_backbone(rtmdet, dict(BACKBONES['EfficientNet-B0 (timm)']))
    assert tuple(timm.model.backbone.out_indices) == (2, 3, 4)
    with pytest.raises(ValueError, match=r'reads strides \[8, 16, 32\]'):
        with_backbone(rtmdet, shipped(BACKBONES['HRNet-W18']).model.backbone)


def test_a_failure_is_a_row_with_its_reason():
    row = run_pair('DETR', OWN)
    assert not row['works']
    assert 'makes one level of stride 32' in row['reason']
    text = document(
        [
            row,
            dict(
                detector='A',
                backbone='R-50',
                works=True,
                reason='',
                strides=(2, 4),
                parameters_before=1e6,
                parameters_after=2.5e6,
                macs_before=None,
                macs_after=3e9,
            ),
        ]
    )
    assert '1 of 2 rows work' in text
    assert '| DETR | its own (ResNet) | no: CannotExtendError: model.neck' in text
    assert '| A | R-50 | yes | 2, 4 | 1.0 to 2.5 | not counted to 3.0 |' in text


def test_pairs_are_every_detector_and_then_every_backbone():
    listed = pairs(list(DETECTORS), list(BACKBONES))
    assert len(set(listed)) == len(listed)
    assert {detector for detector, backbone in listed if backbone == OWN} == set(DETECTORS)
    assert {backbone for _, backbone in listed} == {OWN, *BACKBONES}
