"""Weights of a plain detector in its extended twin."""

import re

import pytest
import torch

import mmdet_efpn
from mmdet_efpn.checkpoints import align_weights, extend_weights, transfer_weights
from mmdet_efpn.extend import build_detector
from mmdet_efpn.utils.errors import UserError

DETECTORS = {
    'Faster R-CNN': 'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
    'Cascade R-CNN': 'cascade_rcnn/cascade-rcnn_r50_fpn_1x_coco',
    'Mask R-CNN': 'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    'PointRend': 'point_rend/point-rend_r50-caffe_fpn_ms-1x_coco',
    'HTC': 'htc/htc_r50_fpn_1x_coco',
    'Double-Head R-CNN': 'double_heads/dh-faster-rcnn_r50_fpn_1x_coco',
    'Sparse R-CNN': 'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
    'Libra R-CNN (FPN and BFP)': 'libra_rcnn/libra-faster-rcnn_r50_fpn_1x_coco',
    'Faster R-CNN (PAFPN)': 'pafpn/faster-rcnn_r50_pafpn_1x_coco',
    'RetinaNet': 'retinanet/retinanet_r50_fpn_1x_coco',
    'FCOS': 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'ATSS': 'atss/atss_r50_fpn_1x_coco',
    'RTMDet-s': 'rtmdet/rtmdet_s_8xb32-300e_coco',
    'YOLOX-s': 'yolox/yolox_s_8xb8-300e_coco',
    'Deformable DETR': 'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
}


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


@pytest.mark.parametrize('name', ['level_embed', 'level_embeds'])  # DINO's, and Co-DETR's
def test_embeddings_of_levels_get_the_finer_one_in_front(name):
    plain, extended = torch.nn.Module(), torch.nn.Module()
    plain.register_parameter(name, torch.nn.Parameter(torch.rand(4, 8)))
    extended.register_parameter(name, torch.nn.Parameter(torch.rand(5, 8)))
    aligned = align_weights(plain.state_dict(), extended)[name]
    assert torch.equal(aligned[0], getattr(extended, name)[0])
    assert torch.equal(aligned[1:], getattr(plain, name))


@pytest.fixture(scope='module')
def files(shipped, tmp_path_factory):
    """A light RetinaNet: configs of both forms, the plain one's checkpoint; gives their folder."""
    folder = tmp_path_factory.mktemp('retina')
    plain = shipped(DETECTORS['RetinaNet'], light=True)
    plain.dump(folder / 'plain.py')
    mmdet_efpn.extend_config(plain).dump(folder / 'extended.py')
    torch.manual_seed(0)
    state = build_detector(plain.model).state_dict()
    torch.save(dict(state_dict=state, meta=dict(epoch=3)), folder / 'plain.pth')
    return folder


def rewrite(files, tmp_path, checkpoint, **options):
    """Runs extend_weights on a checkpoint; gives the weights that were written, and what was said."""
    torch.save(checkpoint, tmp_path / 'in.pth')
    transfer = extend_weights(
        tmp_path / 'in.pth', files / 'extended.py', tmp_path / 'out.pth', **options
    )
    return torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict'], transfer


def assert_same(first, second):
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(scope='module')
def weights(files):
    return torch.load(files / 'plain.pth', weights_only=True)['state_dict']


@pytest.fixture
def expected(files, tmp_path, weights):
    return rewrite(files, tmp_path, dict(state_dict=weights))[0]


@pytest.mark.parametrize(
    'prefix', ['module.', 'module.module.', '_orig_mod.', 'module._orig_mod.', 'detector.', 'model.']
)
@pytest.mark.parametrize('bare', [True, False])
def test_prefixes_are_taken_off(files, tmp_path, weights, expected, prefix, bare):
    saved = {prefix + name: weight for name, weight in weights.items()}
    written, transfer = rewrite(files, tmp_path, saved if bare else dict(state_dict=saved))
    assert_same(written, expected)
    named = {f'{part}.' for part in prefix.split('.') if part}
    assert set(transfer.unwrapped) == named
    assert f'taken off {len(weights)} names: {min(named)}' in transfer.lines()


def test_a_compiled_part_inside_a_detector(files, tmp_path, weights, expected):
    saved = {name.replace('backbone.', 'backbone._orig_mod.'): w for name, w in weights.items()}
    assert_same(rewrite(files, tmp_path, dict(state_dict=saved))[0], expected)


def test_averaged_weights_are_what_ema_hook_saves_as_state_dict(files, tmp_path, weights, expected):
    """MMEngine's EMAHook swaps the two before it saves, so that a test finds the averaged ones."""
    last = {f'module.{name}': weight + 1 for name, weight in weights.items()}
    saved = dict(state_dict=weights, ema_state_dict=dict(last, steps=torch.tensor(7)))
    written, transfer = rewrite(files, tmp_path, saved)
    assert_same(written, expected)
    assert transfer.lines()[0].startswith('weights used: ema: the averaged ones')
    written, transfer = rewrite(files, tmp_path, saved, use='last')
    name = 'neck.lateral_convs.1.conv.weight'
    assert torch.equal(written[name], expected[name] + 1)
    assert 'not averaged' in transfer.lines()[0]
    with pytest.raises(UserError, match=r'--use teacher: .* it has ema and last'):
        rewrite(files, tmp_path, saved, use='teacher')


def test_teacher_or_student_of_a_semi_supervised_detector(files, tmp_path, weights, expected):
    saved = {f'student.{name}': weight + 1 for name, weight in weights.items()}
    saved |= {f'teacher.{name}': weight for name, weight in weights.items()}
    written, transfer = rewrite(files, tmp_path, dict(state_dict=saved))
    assert_same(written, expected)
    assert 'teacher' in transfer.used
    assert '--use student' in transfer.used
    written, _ = rewrite(files, tmp_path, dict(state_dict=saved), use='student')
    name = 'neck.lateral_convs.1.conv.weight'
    assert torch.equal(written[name], expected[name] + 1)
    with pytest.raises(UserError, match=r'--use ema: .* it has teacher and student'):
        rewrite(files, tmp_path, dict(state_dict=saved), use='ema')


def test_into_a_semi_supervised_detector_both_halves_are_written(files, weights):
    from mmengine.config import Config

    class Semi(torch.nn.Module):
        def __init__(self):
            super().__init__()
            model = Config.fromfile(files / 'extended.py').model
            self.student, self.teacher = build_detector(model), build_detector(model)

    semi = {f'student.{name}': weight + 1 for name, weight in weights.items()}
    semi |= {f'teacher.{name}': weight for name, weight in weights.items()}
    written, transfer = transfer_weights(semi, Semi())
    name = 'neck.lateral_convs.1.conv.weight'
    assert torch.equal(written[f'student.{name}'], written[f'teacher.{name}'] + 1)
    assert transfer.moved['student.neck.lateral_convs.0.conv.weight'] == f'student.{name}'
    written, _ = transfer_weights(weights, Semi())
    assert torch.equal(written[f'student.{name}'], written[f'teacher.{name}'])


def test_what_moved_is_said_by_count_and_name(files, tmp_path, weights):
    _, transfer = rewrite(files, tmp_path, dict(state_dict=dict(weights, other=torch.zeros(2))))
    # Three laterals and five 3x3 convs, with a bias each, make room for one at stride 4.
    assert len(transfer.moved) == 16
    assert transfer.moved['neck.fpn_convs.4.conv.bias'] == 'neck.fpn_convs.5.conv.bias'
    assert transfer.no_place == ['other']
    lines = transfer.lines()
    assert '16 weights moved:' in lines
    assert '  neck.lateral_convs.0.conv -> neck.lateral_convs.1.conv' in lines
    assert '1 weights left out, for the extended detector has no such name:' in lines
    assert '  neck.lateral_convs.0.conv' in lines


def test_other_networks_are_refused_and_nothing_is_written(files, tmp_path, weights):
    no_backbone = {name: w for name, w in weights.items() if not name.startswith('backbone.layer')}
    other_depth = {k: w for k, w in weights.items() if 'layer3' not in k and 'layer4' not in k}
    other_neck = {k: w[:, :1] if k.startswith('neck') and w.dim() > 1 else w for k, w in weights.items()}
    other_neck |= {k: w[:1] for k, w in weights.items() if k.startswith('neck') and w.dim() == 1}
    for saved, said in (
        (other_neck, r'fills 0 of the 20 weights .* neck'),
        (
            {f'other.{i}': torch.zeros(3) for i in range(20)},
            r'fills 0 of the \d+ .*other\.\d, other\.\d, other\.\d; ',
        ),
        ({}, 'fills 0 of'),
        (no_backbone, r'of another network: it fills \d+ of the \d+ weights .*backbone'),
        (other_depth, r'backbone\.layer3\.0'),
        ({name: w[..., None] for name, w in weights.items()}, 'fills 0 of'),
    ):
        with pytest.raises(UserError, match=said):
            rewrite(files, tmp_path, dict(state_dict=saved))
    assert not (tmp_path / 'out.pth').exists()


def test_blocks_of_a_deeper_backbone_do_not_move():
    """More blocks in a stage are another depth, not finer levels."""
    from mmdet.registry import MODELS

    shallow, deep = (
        torch.nn.ModuleDict(dict(backbone=MODELS.build(dict(type='ResNet', depth=d, base_channels=8))))
        for d in (18, 34)
    )
    aligned = align_weights(shallow.state_dict(), deep)
    assert set(aligned) == set(shallow.state_dict())


def test_check_compares_the_levels_that_both_have(files, tmp_path, weights):
    _, transfer = rewrite(files, tmp_path, dict(state_dict=weights), plain_config=files / 'plain.py')
    assert [gap.stride for gap in transfer.gaps] == [8, 16, 32, 64, 128]
    assert all(gap.difference < 1e-5 < gap.largest for gap in transfer.gaps)
    assert any(line.startswith('the levels agree') for line in transfer.lines())


def test_check_finds_an_extended_config_of_another_detector(files, tmp_path, weights):
    """An activation in the neck that the plain one has not changes no name of a weight."""
    from mmengine.config import Config

    cfg = Config.fromfile(files / 'extended.py')
    cfg.model.neck.act_cfg = dict(type='Sigmoid')
    cfg.dump(tmp_path / 'other.py')
    torch.save(dict(state_dict=weights), tmp_path / 'in.pth')
    with pytest.raises(UserError, match=r'differ by .* at stride 8'):
        extend_weights(
            tmp_path / 'in.pth',
            tmp_path / 'other.py',
            tmp_path / 'out.pth',
            plain_config=files / 'plain.py',
        )
    assert not (tmp_path / 'out.pth').exists()


def test_check_says_why_levels_may_differ(twins):
    """YOLOX's neck goes up again from its finest level, which is new and untrained."""
    from mmdet_efpn.checkpoints.agreement import check_agreement, compare_pyramids

    plain, extended = twins('YOLOX-s')
    cfg = mmdet_efpn.utils.read_config.read_config(f'mmdet::{DETECTORS["YOLOX-s"]}.py')
    aligned = align_weights(plain.state_dict(), extended)
    gaps, reason = compare_pyramids(cfg, plain.state_dict(), extended, aligned)
    assert [gap.stride for gap in gaps] == [8, 16, 32]
    assert not all(gap.agrees for gap in gaps)
    assert 'YOLOXPAFPN passes its finer, untrained level' in reason
    check_agreement(gaps, reason)


def test_the_command_finds_the_plain_config(files, tmp_path, command):
    code, _, error = command(
        'extend', files / 'plain.py', tmp_path / 'extended.py', '--levels', 'p3_prime'
    )
    assert code == 0, error
    (tmp_path / 'mine.py').write_text(
        "_base_ = ['extended.py']\nmodel = dict(bbox_head=dict(num_classes=3))\n"
    )
    words = ['extend-weights', files / 'plain.pth', tmp_path / 'mine.py', tmp_path / 'out.pth']
    code, said, error = command(*words, '--check')
    assert code == 0, error
    assert 'weights used: the only ones in the file' in said
    assert '2 weights left out, for they have another shape here:\n  bbox_head.retina_cls' in said
    assert 'the levels agree that both pyramids have' in said
    assert 'stride 4:' not in said  # P3' stands there
    code, _, error = command(*words)
    assert code == 2
    assert '--overwrite' in error
    words[2] = files / 'extended.py'
    code, _, error = command(*words, '--check', '--overwrite')
    assert code == 2
    assert '--plain CONFIG' in error
