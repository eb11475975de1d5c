"""Files in the released layout with random weights, and the config that reads them, both small."""

from typing import NamedTuple

import numpy as np
import torch

from mmdet_efpn.utils.read_config import read_config

NAMES = dict(coco='released_coco', tt100k='released_tt100k')
SIDES = dict(coco=(224, 320), tt100k=(256, 384))


class Sizes(NamedTuple):
    """Of a released model.

    Attributes:
        blocks: Bottlenecks of each stage.
        groups: Of their 3x3 convs.
        base: Width of the stem; the first stage is four times as wide.
        inner: Width of the first stage's 3x3 convs.
        pyramid, hidden, fc: Widths of the pyramid, inside the FTT, and of the box heads.
        classes: Without background.
    """

    blocks: tuple[int, ...]
    groups: int
    base: int
    inner: int
    pyramid: int
    hidden: int
    fc: int
    classes: int


SMALL = dict(
    coco=Sizes((3, 4, 6, 3), 2, 8, 8, 16, 8, 32, 3), tt100k=Sizes((3, 4, 6, 3), 2, 8, 8, 16, 8, 32, 4)
)
PUBLISHED = dict(
    coco=Sizes((3, 4, 23, 3), 32, 64, 256, 256, 512, 1024, 80),
    tt100k=Sizes((3, 4, 23, 3), 32, 64, 256, 256, 512, 1024, 175),
)


class Layers:
    """Collects a file's tensors; a subclass makes them.

    Attributes:
        weights: By the released names.
    """

    def __init__(self):
        self.weights = {}

    def layer(self, name, out, into, size=None, bias=True, gain=1.0):
        """A conv of ``size`` or a linear layer."""
        shape = (out, into) if size is None else (out, into, size, size)
        self.weights[f'{name}.weight'] = self.normal(shape, gain * (2 / np.prod(shape[1:])) ** 0.5)
        if bias:
            self.weights[f'{name}.bias'] = self.normal((out,), 0.1)

    def affine(self, name, width):
        """A frozen norm."""
        self.weights[f'{name}.weight'] = self.scale(width)
        self.weights[f'{name}.bias'] = self.normal((width,), 0.1)


class RandomLayers(Layers):
    """Arrays in float64, so scaled that signals neither grow nor die."""

    def __init__(self, seed=0):
        super().__init__()
        self.rng = np.random.default_rng(seed)

    def normal(self, shape, deviation):
        return self.rng.normal(0, deviation, shape)

    def scale(self, width):
        return self.rng.uniform(0.5, 0.9, width)


class Shapes(Layers):
    """Tensors without numbers."""

    def normal(self, shape, deviation):
        return torch.empty(shape, device='meta')

    def scale(self, width):
        return torch.empty(width, device='meta')


def random_file(kind: str) -> dict[str, np.ndarray]:
    """A small file's weights by the released names."""
    return fill(RandomLayers(), SMALL[kind])


def fill(file: Layers, sizes: Sizes) -> dict:
    """The released layout, whole."""
    layer, pyramid = file.layer, sizes.pyramid
    into = _backbone(file, sizes)
    layer('Conv_Body.conv_top', pyramid, into, 1, gain=0.7)
    for i in range(3):
        lateral = f'Conv_Body.topdown_lateral_modules.{i}.conv_lateral'
        layer(lateral, pyramid, into // 2 ** (i + 1), 1, gain=0.7)
    for i in range(4):
        layer(f'Conv_Body.posthoc_modules.{i}', pyramid, pyramid, 3)
    _extension(layer, sizes)
    layer('RPN.FPN_RPN_conv', pyramid, pyramid, 3)
    layer('RPN.FPN_RPN_cls_score', 3, pyramid, 1)
    layer('RPN.FPN_RPN_bbox_pred', 12, pyramid, 1, gain=0.1)
    for suffix in ('', '_SR'):
        layer(f'Box_Head{suffix}.fc1', sizes.fc, pyramid * 49)
        layer(f'Box_Head{suffix}.fc2', sizes.fc, sizes.fc)
        layer(f'Box_Outs{suffix}.cls_score', sizes.classes + 1, sizes.fc, gain=0.4)
        layer(f'Box_Outs{suffix}.bbox_pred', 4 * (sizes.classes + 1), sizes.fc, gain=0.7)
    return file.weights


def _backbone(file: Layers, sizes: Sizes) -> int:
    layer, body, base = file.layer, 'Conv_Body.conv_body.', sizes.base
    layer(f'{body}res1.conv1', base, 3, 7, bias=False, gain=0.03)  # pixels are about 60
    file.affine(f'{body}res1.bn1', base)
    into = base
    for stage, blocks in enumerate(sizes.blocks, start=2):
        inner, out = sizes.inner * 2 ** (stage - 2), 4 * base * 2 ** (stage - 2)
        for block in range(blocks):
            part = f'{body}res{stage}.{block}'
            layer(f'{part}.conv1', inner, into, 1, bias=False)
            layer(f'{part}.conv2', inner, inner // sizes.groups, 3, bias=False)
            layer(f'{part}.conv3', out, inner, 1, bias=False, gain=0.5)
            for i, width in ((1, inner), (2, inner), (3, out)):
                file.affine(f'{part}.bn{i}', width)
            if block == 0:
                layer(f'{part}.downsample.0', out, into, 1, bias=False)
                file.affine(f'{part}.downsample.1', out)
            into = out
    return into


def _extension(layer, sizes: Sizes) -> None:
    name, pyramid, hidden = 'Conv_Body.Extension.', sizes.pyramid, sizes.hidden
    layer(f'{name}conv_lateral', pyramid, 4 * sizes.base, 1, bias=False)
    layer(f'{name}post', pyramid, pyramid, 3, bias=False)
    ftt = f'{name}FTT.'
    layer(f'{ftt}content_extractor.content_head.0', hidden, pyramid, 3)
    layer(f'{ftt}sub_pixel.0', 4 * hidden, hidden, 3)
    layer(f'{ftt}texture_extractor.texture_head.0', hidden, hidden + pyramid, 3)
    blocks = [
        'content_extractor.content_body.0',
        *(f'texture_extractor.texture_body.{i}' for i in (0, 1)),
    ]
    for block in blocks:
        for i in (0, 2):
            layer(f'{ftt}{block}.conv_block.{i}', hidden, hidden, 3, gain=0.7)
    layer(f'{ftt}tail.0', hidden, hidden, 3)
    layer(f'{ftt}tail.2', pyramid, hidden, 3)


def small_config(kind: str, repository):
    """A released config with a narrow ResNeXt-50 and smaller images; all else is as it ships."""
    sizes, cfg = SMALL[kind], released_config(kind, repository)
    widths = [4 * sizes.base * 2**i for i in range(4)]
    cfg.model.backbone.update(
        depth=50,
        groups=sizes.groups,
        base_width=4,
        base_channels=sizes.base,
        stem_channels=sizes.base,
        init_cfg=None,
    )
    cfg.model.neck.update(in_channels=[widths[0], *widths], out_channels=sizes.pyramid)
    cfg.model.neck.ftt.hidden_channels = sizes.hidden
    cfg.model.rpn_head.update(in_channels=sizes.pyramid, feat_channels=sizes.pyramid)
    cfg.model.roi_head.bbox_roi_extractor.out_channels = sizes.pyramid
    cfg.model.roi_head.bbox_head.update(
        in_channels=sizes.pyramid, fc_out_channels=sizes.fc, num_classes=sizes.classes
    )
    cfg.test_dataloader.dataset.pipeline[1].scale = SIDES[kind]
    return cfg


def released_config(kind: str, repository):
    """A released config as it ships."""
    name = f'faster-rcnn_x101-32x8d_efpn_{NAMES[kind]}.py'
    return read_config(repository / 'configs' / 'released' / name)
