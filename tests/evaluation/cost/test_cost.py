"""The cost tool: known counts, a count by hand, and the whole command."""

import json

import pytest
import torch
from mmengine.config import Config
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

import mmdet_efpn
from mmdet_efpn.evaluation import cost
from mmdet_efpn.evaluation.cost import BackboneNeckSteps, measure, parse_subject

RESNET = dict(type='ResNet', depth=50)
RESNEXT = dict(type='ResNeXt', depth=101, groups=32, base_width=8)
FPN = dict(type='FPN', in_channels=[256, 512, 1024, 2048], out_channels=256, num_outs=5)


def extended(backbone):
    return dict(backbone, type=f'Extended{backbone["type"]}')


def efpn(hidden_channels):
    return dict(
        type='EFPN',
        in_channels=[256, 256, 512, 1024, 2048],
        out_channels=256,
        num_outs=6,
        ftt=dict(type='FTT', hidden_channels=hidden_channels),
    )


@pytest.mark.parametrize(
    ('backbone', 'neck', 'scale', 'giga'),
    [
        (RESNEXT, FPN, 1, 413),
        (RESNEXT, FPN, 2, 1650),
        (extended(RESNEXT), efpn(512), 1, 2068),
        (extended(RESNEXT), efpn(256), 1, 1087),
        (extended(RESNEXT), efpn(128), 1, 819),
        (RESNET, FPN, 1, 148),
        (RESNET, FPN, 2, 594),
        (extended(RESNET), efpn(512), 1, 1749),
        (extended(RESNET), efpn(256), 1, 768),
        (extended(RESNET), efpn(128), 1, 501),
    ],
)
def test_known_counts_of_backbone_and_neck_at_800x1344(backbone, neck, scale, giga):
    with torch.device('meta'):
        model = BackboneNeckSteps(dict(backbone=backbone, neck=neck))
        images = torch.empty(1, 3, 800 * scale, 1344 * scale)
    assert measure.count_macs(model, images) / 1e9 == pytest.approx(giga, abs=0.6)


@pytest.mark.parametrize(
    ('config', 'giga', 'most'),
    [
        ('faster-rcnn_r50_efpn-light_1x_coco', 163.2, 178),
        ('faster-rcnn_x101-32x8d_efpn-light_1x_coco', 427.3, 496),
    ],
)
def test_light_extensions_stay_within_their_price(config, giga, most, repository):
    model = Config.fromfile(repository / f'configs/coco/{config}.py').model
    with torch.device('meta'):
        steps = BackboneNeckSteps(dict(backbone=model.backbone, neck=model.neck))
        images = torch.empty(1, 3, 800, 1344)
    assert measure.count_macs(steps, images) / 1e9 == pytest.approx(giga, abs=0.6)
    assert giga <= most


class Attention(nn.Module):
    """A 3x3 convolution to 8 channels and attention between the pixels of each of them."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, images):
        tokens = self.convolution(images).flatten(2).mT.contiguous()  # B, H W, 8
        tokens = tokens.unsqueeze(1)  # B, one head, H W, 8
        return scaled_dot_product_attention(tokens, tokens, tokens)


def test_count_by_hand():
    pixels = 16 * 16
    by_hand = pixels * 3 * 9 * 8 + 2 * pixels * pixels * 8  # convolution; queries x keys, x values
    assert measure.count_macs(Attention(), torch.zeros(1, 3, 16, 16)) == by_hand
    # A model that cannot be counted on the meta device is counted where it is.
    assert measure._count(Attention(), torch.zeros(1, 3, 16, 16)) == by_hand


def test_steps_that_need_values_are_counted_where_the_image_is():
    class Chooses(Attention):
        def forward(self, images):
            return super().forward(images if images.sum().item() >= 0 else -images)

    images = torch.zeros(1, 3, 16, 16)
    assert measure.count_macs(Chooses(), images) == measure.count_macs(Attention(), images)


def test_an_operator_the_counter_misses_is_named():
    from mmcv.ops import ModulatedDeformConv2dPack

    model = nn.Sequential(ModulatedDeformConv2dPack(3, 3, 3))
    with pytest.raises(ValueError, match='ModulatedDeformConv2dPack'):
        measure.count_macs(model, torch.zeros(1, 3, 8, 8))


def test_parse_subject():
    subject = parse_subject(
        'dir/a.py@2x@model.neck.ftt.hidden_channels=64',
        (800, 1344),
        'detector',
        {'model.neck.num_outs': 6},
    )
    assert (subject.height, subject.width) == (1600, 2688)
    assert subject.name == 'a@2x@model.neck.ftt.hidden_channels=64'
    assert subject.options == {'model.neck.num_outs': 6, 'model.neck.ftt.hidden_channels': 64}
    with pytest.raises(ValueError, match='@double'):
        parse_subject('a.py@double', (8, 8), 'detector', {})


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['gone.py'], 'config not found: gone.py'),
        (['gone_package::a.py'], 'gone_package'),
        (['a.py@x'], '@x'),
        (['a.py', '--sizes', '800'], '800x1344'),
        (['a.py', '--repeats', '0'], '--repeats'),
    ],
)
def test_errors_are_one_sentence(arguments, said, command):
    code, _, error = command('cost', *arguments)
    assert code == 2
    last = error.splitlines()[-1]
    assert last.startswith('mmdet-efpn cost: error: ')
    assert said in last


def test_whole_command(tiny_config, tmp_path, command):
    out = tmp_path / 'cost.json'
    options = ['--sizes', '64x96', '--repeats', '1', '--device', 'cpu', '--json', out]
    code, printed, _ = command('cost', tiny_config, f'{tiny_config}@4x', *options)
    assert code == 0
    assert f'written: {out}' in printed
    table = printed.splitlines()
    code, _, error = command('cost', tiny_config, *options)
    assert code == 2
    assert '--overwrite' in error
    plain, larger = json.loads(out.read_text())['rows']
    assert (larger['height'], larger['width']) == (256, 384)
    assert larger['macs'] == 16 * plain['macs']
    for row in (plain, larger):
        assert row['forward_seconds'] > 0
        assert row['forward_backward_seconds'] > 0
        assert row['forward_backward_bytes'] >= row['forward_bytes'] > 0
    # What backward keeps of the stem alone, at half size: 8 channels before and after its norm.
    stem_bytes = 2 * 8 * 4 * 128 * 192
    assert larger['forward_backward_bytes'] - plain['forward_backward_bytes'] > stem_bytes
    assert '(16.00x)' in table[3]
    assert table[0].startswith('| config')


def test_whole_detector(tiny_config):
    subject, narrower = (
        parse_subject(f'{tiny_config}{change}', (64, 64), 'detector', {})
        for change in ('', '@model.neck.ftt.hidden_channels=8')
    )
    row, narrow = cost.compare([subject, narrower], 'cpu', repeats=1, timed=False)
    model = Config.fromfile(str(tiny_config)).model
    part = measure.count_macs(BackboneNeckSteps(model), torch.zeros(1, 3, 64, 64))
    assert row['macs'] > part
    assert narrow['parameters'] < row['parameters']
    assert narrow['macs'] < row['macs']
    steps = subject.build()
    assert measure.run_forward_backward(steps, subject.images('cpu')) > 0


class _Recorder(nn.Module):
    """A conv whose forward notes the type of what it gives."""

    def __init__(self):
        super().__init__()
        self.conv, self.seen = nn.Conv2d(3, 4, 3), []

    def forward(self, images):
        maps = self.conv(images)
        self.seen.append((maps.dtype, self.training, maps.requires_grad))
        return maps

    def loss(self, images):
        return self(images).float().mean()


@pytest.mark.parametrize(
    ('amp', 'dtype'), [(None, torch.float32), ('bfloat16', torch.bfloat16), ('float16', torch.float16)]
)
def test_passes_run_in_the_precision_asked_for(amp, dtype):
    model, images = _Recorder(), torch.zeros(1, 3, 8, 8)
    for run in measure.PASSES.values():
        assert run(model, images, amp) > 0
    assert model.seen == [(dtype, False, False), (dtype, True, True)]


def test_a_deferred_level_counts_as_if_it_were_whole(tiny_config):
    whole, sparse = (
        parse_subject(f'{tiny_config}@model.neck.sparse={sparse}', (64, 96), 'backbone+neck', {})
        for sparse in (False, True)
    )
    rows = cost.compare([whole, sparse], 'cpu', repeats=1, timed=False)
    assert rows[0]['macs'] == rows[1]['macs'] > 0
    assert [row['note'] for row in rows] == ['', '']


def test_p2_prime_on_rois_counts_in_the_whole_detector_alone(tiny_config):
    """Whole: the map of P2' costs its 1x1 and 3x3 conv on each cell; on RoIs there is no map."""

    def subject(on_rois, parts):
        return parse_subject(
            f'{tiny_config}@model.neck.extension_cfg.on_rois={on_rois}',
            (64, 96),
            parts,
            {'model.neck.extension_cfg': {}},
        )

    def macs(on_rois, parts):
        one = subject(on_rois, parts)
        return measure.count_macs(one.build(), one.images('cpu'))

    steps = subject(True, 'backbone+neck').build()
    steps.loss(torch.randn(1, 3, 64, 96)).backward()
    assert all(p.grad is not None for p in steps.neck.extension.ftt.parameters())
    extension = steps.neck.extension
    weights = sum(p.numel() for p in extension.fusing_parameters())
    parts = 'backbone+neck'
    assert macs(False, parts) - macs(True, parts) == 32 * 48 * weights
    assert macs(True, 'detector') > macs(True, parts) > 0
    (row,) = cost.compare([subject(True, parts)], 'cpu', repeats=1, timed=False)
    assert 'on_rois' in row['note']
    assert row['note'] in cost.table([row])


def test_a_batch_takes_more_memory_but_counts_one_image(tiny_config):
    one, three = (
        parse_subject(str(tiny_config), (64, 96), 'backbone+neck', {}, batch_size)
        for batch_size in (1, 3)
    )
    assert three.images('cpu').shape == (3, 3, 64, 96)
    first, second = cost.compare([one, three], 'cpu', repeats=1)
    assert first['macs'] == second['macs']
    assert second['forward_backward_bytes'] > first['forward_backward_bytes']


def test_images_have_the_backbones_channels(tiny_config):
    subject = parse_subject(
        str(tiny_config), (64, 64), 'backbone+neck', {'model.backbone.in_channels': 4}
    )
    plain = parse_subject(str(tiny_config), (64, 64), 'backbone+neck', {})
    images = subject.images('cpu')
    assert images.shape == (1, 4, 64, 64)
    # One more channel of the 7x7 stem, eight wide, on 32x32 cells.
    more = cost.count_macs(subject.build(), images) - cost.count_macs(plain.build(), plain.images('cpu'))
    assert more == 7 * 7 * 8 * 32 * 32


@pytest.mark.parametrize(
    'name',
    [
        'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
        'sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco',
        'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    ],
)
def test_masks_and_queries_in_the_whole_detector(shipped, tmp_path, name):
    """Masks for the loss; boxes that are weights; a parameter that is split into queries."""
    mmdet_efpn.extend_config(shipped(name, light=True)).dump(tmp_path / 'extended.py')
    subject = parse_subject(str(tmp_path / 'extended.py'), (64, 64), 'detector', {})
    images, model = subject.images('cpu'), subject.build()
    assert cost.count_macs(model, images) > 0
    assert model.train().loss(images).isfinite()
    assert any(parameter.requires_grad for parameter in model.parameters())
