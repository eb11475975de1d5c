"""The detectron2 implementation's models: names, and the pyramid by its formulas in float64."""

import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

from mmdet_efpn.checkpoints.foreign import read_foreign
from mmdet_efpn.utils.read_config import read_config

NAME = 'faster-rcnn_x101-32x8d-cascaded_efpn-pointwise_100k-iters_coco.py'
BLOCKS = dict(res2=3, res4=4, res5=6, res6=3)  # of depth 50; res3 is a single conv
GROUPS, BASE, PYRAMID, FC = 4, 16, 8, 12


def d2_file(seed=0):
    """A small model's weights by detectron2's names; frozen norms have statistics."""
    generator, weights = torch.Generator().manual_seed(seed), {}

    def normal(*shape, gain=1.0):
        fan_in = torch.Size(shape[1:]).numel()
        return torch.randn(shape, generator=generator, dtype=torch.float64) * gain * fan_in**-0.5

    def conv(name, out, into, size, norm=True):
        weights[f'{name}.weight'] = normal(out, into, size, size, gain=1.4)
        if norm:
            for part, low, high in (
                ('weight', 0.5, 1.0),
                ('bias', -0.1, 0.1),
                ('running_mean', -0.1, 0.1),
                ('running_var', 0.5, 1.5),
            ):
                values = torch.rand(out, generator=generator, dtype=torch.float64)
                weights[f'{name}.norm.{part}'] = low + (high - low) * values
        else:
            weights[f'{name}.bias'] = normal(out)

    body = 'backbone.bottom_up.'
    conv(f'{body}stem.conv1', BASE, 3, 7)
    into = BASE
    for i in range(2, 7):
        inner, out = BASE * 2 ** (i - 2), 4 * BASE * 2 ** (i - 2)
        if i == 3:
            conv(f'{body}res3.0.conv1', out, into, 1)
        for block in range(BLOCKS.get(f'res{i}', 0)):
            part = f'{body}res{i}.{block}'
            conv(f'{part}.conv1', inner, into, 1)
            conv(f'{part}.conv2', inner, inner // GROUPS, 3)
            conv(f'{part}.conv3', out, inner, 1)
            if block == 0:
                conv(f'{part}.shortcut', out, into, 1)
            into = out
        into = out
        conv(f'backbone.fpn_lateral{i}', PYRAMID, out, 1, norm=False)
        conv(f'backbone.fpn_output{i}', PYRAMID, PYRAMID, 3, norm=False)
    rpn, roi = 'proposal_generator.rpn_head.', 'roi_heads.'
    conv(f'{rpn}conv', PYRAMID, PYRAMID, 3, norm=False)
    conv(f'{rpn}objectness_logits', 3, PYRAMID, 1, norm=False)
    conv(f'{rpn}anchor_deltas', 12, PYRAMID, 1, norm=False)
    for name, out, into in (
        (f'{roi}box_head.fc1', FC, 49 * PYRAMID),
        (f'{roi}box_head.fc2', FC, FC),
        (f'{roi}box_predictor.cls_score', 81, FC),
        (f'{roi}box_predictor.bbox_pred', 320, FC),
    ):
        weights[f'{name}.weight'], weights[f'{name}.bias'] = normal(out, into), normal(out)
    weights['pixel_mean'] = torch.zeros(3, 1, 1)
    weights['proposal_generator.anchor_generator.cell_anchors.0'] = torch.zeros(3, 4)
    return weights


def small_model(repository):
    model = read_config(repository / 'configs' / 'released' / NAME).model
    widths = [4 * BASE * 2**i for i in range(5)]
    model.backbone.update(
        depth=50, groups=GROUPS, base_width=BASE // GROUPS, base_channels=BASE, stem_channels=BASE
    )
    model.backbone.init_cfg = None
    model.neck.update(in_channels=widths, out_channels=PYRAMID)
    model.rpn_head.update(in_channels=PYRAMID, feat_channels=PYRAMID)
    model.roi_head.bbox_roi_extractor.out_channels = PYRAMID
    model.roi_head.bbox_head.update(in_channels=PYRAMID, fc_out_channels=FC)
    return MODELS.build(model).double().eval()


def pyramid_by_hand(w, ftt, image):
    """What that implementation computes, with an FTT of ours: P2', P2, ..., P5 at strides 2 to 32."""

    def conv(name, x, **how):
        x = F.conv2d(x, w[f'{name}.weight'], w.get(f'{name}.bias'), **how)
        if f'{name}.norm.weight' in w:
            parts = (
                w[f'{name}.norm.{part}'] for part in ('running_mean', 'running_var', 'weight', 'bias')
            )
            x = F.batch_norm(x, *parts)
        return x

    def stage(name, x, blocks):
        for block in range(blocks):
            part, stride = f'{name}.{block}', 2 if block == 0 and not name.endswith('res2') else 1
            out = F.relu(conv(f'{part}.conv1', x))
            out = F.relu(conv(f'{part}.conv2', out, stride=stride, padding=1, groups=GROUPS))
            out = conv(f'{part}.conv3', out)
            x = F.relu(out + (conv(f'{part}.shortcut', x, stride=stride) if block == 0 else x))
        return x

    body = 'backbone.bottom_up.'
    x, stages = F.relu(conv(f'{body}stem.conv1', image, stride=2, padding=3)), []
    for i in range(2, 7):
        if i == 3:
            x = F.relu(conv(f'{body}res3.0.conv1', x, stride=2))
        else:
            x = stage(f'{body}res{i}', x, BLOCKS[f'res{i}'])
        stages.append(x)
    inner, outputs = None, []
    for i in range(6, 1, -1):
        lateral = conv(f'backbone.fpn_lateral{i}', stages[i - 2])
        inner = lateral if inner is None else lateral + doubled(inner)
        outputs.insert(0, conv(f'backbone.fpn_output{i}', inner, padding=1))
    p3_prime = ftt(outputs[1], outputs[2])
    return [lateral + doubled(p3_prime), *outputs[1:]]


def doubled(x):
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def test_pyramid_is_that_implementations(repository, tmp_path):
    """All but its FTT, which it never saved: with ours in the place, the maps agree."""
    torch.manual_seed(0)
    theirs = d2_file()
    torch.save(dict(model=theirs, iteration=3), tmp_path / 'model_final.pth')
    weights, renaming = read_foreign(tmp_path / 'model_final.pth')
    model = small_model(repository)
    target = model.state_dict()
    missing = {name for name in target if name not in weights}
    assert {name for name in missing if '.ftt.' not in name and 'num_batches' not in name} == set()
    assert len([name for name in missing if '.ftt.' in name]) == 6
    assert not set(weights) - set(target)
    model.load_state_dict(weights, strict=False)
    image = torch.randn(1, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        maps = model.extract_feat(image)
        expected = pyramid_by_hand(theirs, model.neck.extension.ftt, image)
    assert [tuple(level.shape[2:]) for level in maps] == [
        (64 // stride, 96 // stride) for stride in (2, 4, 8, 16, 32)
    ]
    for ours, wanted in zip(maps, expected, strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-9)
    heads = dict(
        zip(
            (
                'rpn_head.rpn_conv.weight',
                'rpn_head.rpn_cls.weight',
                'rpn_head.rpn_reg.bias',
                'roi_head.bbox_head.shared_fcs.1.weight',
                'roi_head.bbox_head.fc_cls.weight',
                'roi_head.bbox_head.fc_reg.bias',
            ),
            (
                'proposal_generator.rpn_head.conv.weight',
                'proposal_generator.rpn_head.objectness_logits.weight',
                'proposal_generator.rpn_head.anchor_deltas.bias',
                'roi_heads.box_head.fc2.weight',
                'roi_heads.box_predictor.cls_score.weight',
                'roi_heads.box_predictor.bbox_pred.bias',
            ),
            strict=True,
        )
    )
    assert all(torch.equal(weights[ours], theirs[name]) for ours, name in heads.items())
    left_out = sorted(name for names in renaming.dropped.values() for name in names)
    assert left_out == [
        'backbone.fpn_output2.bias',
        'backbone.fpn_output2.weight',
        'pixel_mean',
        'proposal_generator.anchor_generator.cell_anchors.0',
    ]
    assert renaming.unknown == []
    assert any('never saves them' in note for note in renaming.notes)


def test_config_is_that_implementation(repository):
    cfg = read_config(repository / 'configs' / 'released' / NAME)
    model = cfg.model
    assert model.backbone.type == 'CascadedResNeXt'
    assert model.neck.ftt_source == 'on_output'
    assert model.neck.extension_cfg == dict(output_conv=False, lateral_bias=True)
    assert model.rpn_head.on_p2_prime is True
    assert model.rpn_head.anchor_generator.strides == [2, 4, 8, 16, 32]
    assert model.roi_head.extended_bbox_head is False
    assert (model.train_cfg.rpn.sampler.num, model.train_cfg.rcnn.sampler.num) == (128, 256)
    assert cfg.optim_wrapper.optimizer.lr == 1e-4
    assert cfg.train_cfg.max_iters == 100000
    assert cfg.param_scheduler[1].milestones == [20000]
    assert cfg.train_dataloader.batch_size == 4
