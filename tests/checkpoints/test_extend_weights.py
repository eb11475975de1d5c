"""Weights of a plain detector in its extended twin."""

import re

import pytest
import torch

import mmdet_efpn
from benchmarks.common.detector_trial import build_detector
from benchmarks.detectors_sweep import DETECTORS
from mmdet_efpn.checkpoints.extend_weights import align_weights, extend_weights


@pytest.fixture
def twins(shipped):
    """Function that builds a light detector, plain and extended."""

    def build(name: str, **options):
        cfg = shipped(DETECTORS[name], light=True)
        return (
            build_detector(cfg.model),
            build_detector(mmdet_efpn.extend_config(cfg, **options).model),
        )

    return build


@pytest.mark.parametrize(
    'name',
    [
        'Faster R-CNN',
        'Mask R-CNN',
        'Cascade R-CNN',
        'Faster R-CNN (PAFPN)',
        'PointRend',
        'Sparse R-CNN',
        'Double-Head R-CNN',
        'Libra R-CNN (FPN and BFP)',
    ],
)
def test_two_stage_weights_load_as_they_are(twins, name):
    plain, extended = twins(name)
    missing, unexpected = extended.load_state_dict(plain.state_dict(), strict=False)
    assert unexpected == []
    assert {'.'.join(key.split('.')[:2]) for key in missing} <= {
        'neck.extension',
        'roi_head.extended_bbox_head',
    }
    assert any(key.startswith('neck.extension') for key in missing)


FINER_LEVEL = {
    f'neck.{part}_convs.0.conv.{kind}' for part in ('lateral', 'fpn') for kind in ('weight', 'bias')
}


@pytest.mark.parametrize(
    ('name', 'needed'),
    [
        ('RetinaNet', FINER_LEVEL),
        ('ATSS', FINER_LEVEL | {'bbox_head.scales.0.scale', 'bbox_head.scales.1.scale'}),
        ('HTC', {f'roi_head.semantic_head.lateral_convs.0.conv.{kind}' for kind in ('weight', 'bias')}),
    ],
)
def test_a_finer_level_of_neck_or_head_is_missing_besides(twins, name, needed):
    plain, extended = twins(name)
    missing, unexpected = extended.load_state_dict(
        align_weights(plain.state_dict(), extended), strict=False
    )
    assert unexpected == []
    assert {key for key in missing if not key.startswith('neck.extension')} == needed
    assert any(key.startswith('neck.extension') for key in missing)


def test_an_fpn_that_began_at_stride_8_keeps_each_levels_weights(twins):
    plain, extended = twins('FCOS')
    with torch.no_grad():
        for i, scale in enumerate(plain.bbox_head.scales):
            scale.scale.fill_(i + 1)
    missing, unexpected = extended.load_state_dict(
        align_weights(plain.state_dict(), extended), strict=False
    )
    assert unexpected == []
    # P2' by the extension, P2 by a new lateral and 3x3 conv, and a scale for each
    assert {key for key in missing if not key.startswith('neck.extension')} == {
        'neck.lateral_convs.0.conv.weight',
        'neck.lateral_convs.0.conv.bias',
        'neck.fpn_convs.0.conv.weight',
        'neck.fpn_convs.0.conv.bias',
        'bbox_head.scales.0.scale',
        'bbox_head.scales.1.scale',
    }
    assert [scale.scale.item() for scale in extended.bbox_head.scales][2:] == [1, 2, 3, 4, 5]
    plain.eval()
    extended.eval()
    image = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        levels, extended_levels = plain.extract_feat(image), extended.extract_feat(image)
        outputs, extended_outputs = plain.bbox_head(levels), extended.bbox_head(extended_levels)
    for level, same in zip(levels, extended_levels[2:], strict=True):  # strides 8 to 128
        torch.testing.assert_close(same, level)
    for maps, same_maps in zip(outputs, extended_outputs, strict=True):
        for one, same in zip(maps, same_maps[2:], strict=True):
            torch.testing.assert_close(same, one)


@pytest.mark.parametrize('name', ['RTMDet-s', 'YOLOX-s'])
def test_separate_heads_of_each_level_stay_with_it(twins, name):
    plain, extended = twins(name)
    missing, unexpected = extended.load_state_dict(
        align_weights(plain.state_dict(), extended), strict=False
    )
    assert unexpected == []
    heads = [key for key in missing if key.startswith('bbox_head.')]
    assert heads
    assert all(re.match(r'bbox_head\.\w+\.[01]\.', key) for key in heads)
    assert all(key.startswith(('bbox_head.', 'neck.extension.', 'neck.neck.')) for key in missing)
    plain.eval()
    extended.eval()
    levels = [torch.rand(1, 128, side, side) for side in (8, 4, 2)]
    finer = [torch.rand(1, 128, side, side) for side in (32, 16)]
    with torch.no_grad():
        outputs, extended_outputs = plain.bbox_head(levels), extended.bbox_head([*finer, *levels])
    for maps, same_maps in zip(outputs, extended_outputs, strict=True):
        for one, same in zip(maps, same_maps[2:], strict=True):
            torch.testing.assert_close(same, one)


def test_attention_over_levels_keeps_the_plain_levels(twins):
    plain, extended = twins('Deformable DETR')
    before = {key: weight.clone() for key, weight in extended.state_dict().items()}
    aligned = align_weights(plain.state_dict(), extended)
    missing, unexpected = extended.load_state_dict(aligned, strict=False)
    assert unexpected == []
    # Inside ExtendedNeck the module's own names are told.
    assert {key for key in missing if not key.startswith('neck.extension')} == {
        f'neck.neck.convs.0.{part}' for part in ('conv.weight', 'gn.weight', 'gn.bias')
    }
    key = 'encoder.layers.0.self_attn.sampling_offsets.bias'
    heads, points = 8, 4
    old = plain.state_dict()[key].reshape(heads, 4, points, 2)
    new = extended.state_dict()[key].reshape(heads, 5, points, 2)
    assert torch.equal(new[:, 1:], old)
    assert torch.equal(new[:, :1], before[key].reshape(heads, 5, points, 2)[:, :1])
    assert torch.equal(extended.level_embed[1:], plain.level_embed)


def test_a_checkpoint_file_is_rewritten(twins, shipped, tmp_path):
    plain, _ = twins('FCOS')
    cfg = mmdet_efpn.extend_config(shipped(DETECTORS['FCOS'], light=True))
    cfg.dump(tmp_path / 'extended.py')
    torch.save(dict(state_dict=plain.state_dict(), meta=dict(epoch=3)), tmp_path / 'plain.pth')
    transfer = extend_weights(tmp_path / 'plain.pth', tmp_path / 'extended.py', tmp_path / 'out.pth')
    written = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert written['meta'] == dict(epoch=3)
    assert torch.equal(
        written['state_dict']['neck.lateral_convs.1.conv.weight'],
        plain.neck.lateral_convs[0].conv.weight,
    )
    assert 'neck.lateral_convs.0.conv.weight' in transfer.missing
