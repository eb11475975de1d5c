"""Files in the released layout with random weights, and the config that reads them, both small."""

import numpy as np

from mmdet_efpn.utils.read_config import read_config

BLOCKS = (3, 4, 6, 3)  # of ResNeXt-50
GROUPS, BASE, PYRAMID, HIDDEN, FC = 2, 8, 16, 8, 32
NAMES = dict(coco='released_coco', tt100k='released_tt100k')
CLASSES = dict(coco=3, tt100k=4)


def random_file(kind: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights by the released names, float64, so scaled that signals neither grow nor die."""
    rng = np.random.default_rng(seed)
    weights: dict[str, np.ndarray] = {}

    def layer(name, out, into, size=None, bias=True, gain=1.0):
        shape = (out, into) if size is None else (out, into, size, size)
        deviation = gain * (2 / np.prod(shape[1:])) ** 0.5
        weights[f'{name}.weight'] = rng.normal(0, deviation, shape)
        if bias:
            weights[f'{name}.bias'] = rng.normal(0, 0.1, out)

    def affine(name, width):
        weights[f'{name}.weight'] = rng.uniform(0.5, 0.9, width)
        weights[f'{name}.bias'] = rng.normal(0, 0.1, width)

    body = 'Conv_Body.conv_body.'
    layer(f'{body}res1.conv1', BASE, 3, 7, bias=False, gain=0.03)  # pixels are about 60
    affine(f'{body}res1.bn1', BASE)
    into = BASE
    for stage, blocks in enumerate(BLOCKS, start=2):
        inner, out = BASE * 2 ** (stage - 2), 4 * BASE * 2 ** (stage - 2)
        for block in range(blocks):
            part = f'{body}res{stage}.{block}'
            layer(f'{part}.conv1', inner, into, 1, bias=False)
            layer(f'{part}.conv2', inner, inner // GROUPS, 3, bias=False)
            layer(f'{part}.conv3', out, inner, 1, bias=False, gain=0.5)
            for i, width in ((1, inner), (2, inner), (3, out)):
                affine(f'{part}.bn{i}', width)
            if block == 0:
                layer(f'{part}.downsample.0', out, into, 1, bias=False)
                affine(f'{part}.downsample.1', out)
            into = out
    layer('Conv_Body.conv_top', PYRAMID, into, 1, gain=0.7)
    for i in range(3):
        lateral = f'Conv_Body.topdown_lateral_modules.{i}.conv_lateral'
        layer(lateral, PYRAMID, into // 2 ** (i + 1), 1, gain=0.7)
    for i in range(4):
        layer(f'Conv_Body.posthoc_modules.{i}', PYRAMID, PYRAMID, 3)
    _extension(layer)
    layer('RPN.FPN_RPN_conv', PYRAMID, PYRAMID, 3)
    layer('RPN.FPN_RPN_cls_score', 3, PYRAMID, 1)
    layer('RPN.FPN_RPN_bbox_pred', 12, PYRAMID, 1, gain=0.1)
    for suffix in ('', '_SR'):
        layer(f'Box_Head{suffix}.fc1', FC, PYRAMID * 49)
        layer(f'Box_Head{suffix}.fc2', FC, FC)
        layer(f'Box_Outs{suffix}.cls_score', CLASSES[kind] + 1, FC, gain=0.4)
        layer(f'Box_Outs{suffix}.bbox_pred', 4 * (CLASSES[kind] + 1), FC, gain=0.7)
    return weights


def _extension(layer) -> None:
    name = 'Conv_Body.Extension.'
    layer(f'{name}conv_lateral', PYRAMID, 4 * BASE, 1, bias=False)
    layer(f'{name}post', PYRAMID, PYRAMID, 3, bias=False)
    ftt = f'{name}FTT.'
    layer(f'{ftt}content_extractor.content_head.0', HIDDEN, PYRAMID, 3)
    layer(f'{ftt}sub_pixel.0', 4 * HIDDEN, HIDDEN, 3)
    layer(f'{ftt}texture_extractor.texture_head.0', HIDDEN, HIDDEN + PYRAMID, 3)
    blocks = [
        'content_extractor.content_body.0',
        *(f'texture_extractor.texture_body.{i}' for i in (0, 1)),
    ]
    for block in blocks:
        for i in (0, 2):
            layer(f'{ftt}{block}.conv_block.{i}', HIDDEN, HIDDEN, 3, gain=0.7)
    layer(f'{ftt}tail.0', HIDDEN, HIDDEN, 3)
    layer(f'{ftt}tail.2', PYRAMID, HIDDEN, 3)


SIDES = dict(coco=(224, 320), tt100k=(256, 384))


def small_config(kind: str, repository):
    """A released config with a narrow ResNeXt-50 and smaller images; all else is as it ships."""
    path = repository / 'configs' / 'released' / f'faster-rcnn_x101-32x8d_efpn_{NAMES[kind]}.py'
    cfg = read_config(path)
    cfg.model.backbone.update(
        depth=50, groups=GROUPS, base_width=4, base_channels=BASE, stem_channels=BASE, init_cfg=None
    )
    cfg.model.neck.update(
        in_channels=[4 * BASE, *(4 * BASE * 2**i for i in range(4))], out_channels=PYRAMID
    )
    cfg.model.neck.ftt.hidden_channels = HIDDEN
    cfg.model.rpn_head.update(in_channels=PYRAMID, feat_channels=PYRAMID)
    cfg.model.roi_head.bbox_roi_extractor.out_channels = PYRAMID
    cfg.model.roi_head.bbox_head.update(
        in_channels=PYRAMID, fc_out_channels=FC, num_classes=CLASSES[kind]
    )
    cfg.test_dataloader.dataset.pipeline[1].scale = SIDES[kind]
    return cfg
