"""Files in detectron2's layout, written out by hand, and what its modules compute of them.

Names and shapes are those of its model zoo's R-50 FPN models; ``w`` is a file's weights in float64.
"""

import pickle

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCKS = (3, 4, 6, 3)
BODY = 'backbone.bottom_up.'


def norm_shapes(name: str, width: int) -> dict:
    parts = ('weight', 'bias', 'running_mean', 'running_var')
    return {f'{name}.norm.{part}': (width,) for part in parts}


def affine(name: str, out: int, *inputs: int) -> dict:
    return {f'{name}.weight': (out, *inputs), f'{name}.bias': (out,)}


def resnet() -> dict:
    shapes = {BODY + 'stem.conv1.weight': (64, 3, 7, 7)} | norm_shapes(BODY + 'stem.conv1', 64)
    before = 64
    for stage, blocks in enumerate(BLOCKS):
        width, out = 64 * 2**stage, 256 * 2**stage
        for block in range(blocks):
            name = f'{BODY}res{stage + 2}.{block}.'
            convs = dict(
                conv1=(width, before, 1, 1), conv2=(width, width, 3, 3), conv3=(out, width, 1, 1)
            )
            if block == 0:
                convs['shortcut'] = (out, before, 1, 1)
            for conv, shape in convs.items():
                shapes |= {f'{name}{conv}.weight': shape} | norm_shapes(name + conv, shape[0])
            before = out
    return shapes


def fpn(first: int) -> dict:
    shapes = {}
    for level in range(first, 6):
        shapes |= affine(f'backbone.fpn_lateral{level}', 256, 64 * 2**level, 1, 1)
        shapes |= affine(f'backbone.fpn_output{level}', 256, 256, 3, 3)
    return shapes


def two_stage(classes: int) -> dict:
    rpn = 'proposal_generator.rpn_head.'
    shapes = resnet() | fpn(2)
    shapes |= {'pixel_mean': (3, 1, 1), 'pixel_std': (3, 1, 1)}
    shapes |= {f'proposal_generator.anchor_generator.cell_anchors.{i}': (3, 4) for i in range(5)}
    shapes |= affine(rpn + 'conv', 256, 256, 3, 3) | affine(rpn + 'objectness_logits', 3, 256, 1, 1)
    shapes |= affine(rpn + 'anchor_deltas', 12, 256, 1, 1)
    shapes |= affine('roi_heads.box_head.fc1', 1024, 256 * 49) | affine(
        'roi_heads.box_head.fc2', 1024, 1024
    )
    shapes |= affine('roi_heads.box_predictor.cls_score', classes + 1, 1024)
    return shapes | affine('roi_heads.box_predictor.bbox_pred', 4 * classes, 1024)


def mask_rcnn(classes: int = 80) -> dict:
    head = 'roi_heads.mask_head.'
    shapes = two_stage(classes)
    for i in range(1, 5):
        shapes |= affine(f'{head}mask_fcn{i}', 256, 256, 3, 3)
    return (
        shapes | affine(head + 'deconv', 256, 256, 2, 2) | affine(head + 'predictor', classes, 256, 1, 1)
    )


def pointrend(classes: int = 80, old: bool = False) -> dict:
    """``old``: the names before PointRend's second format."""
    coarse = 'roi_heads.mask_coarse_head.' if old else 'roi_heads.mask_head.coarse_head.'
    point = 'roi_heads.mask_point_head.' if old else 'roi_heads.mask_head.point_head.'
    fc = 'coarse_mask_fc' if old else 'fc'
    shapes = two_stage(classes) | affine(coarse + 'reduce_spatial_dim_conv', 256, 256, 2, 2)
    shapes |= affine(f'{coarse}{fc}1', 1024, 256 * 49) | affine(f'{coarse}{fc}2', 1024, 1024)
    shapes |= affine(coarse + 'prediction', classes * 49, 1024)
    for i in range(1, 4):
        shapes |= affine(f'{point}fc{i}', 256, 256 + classes, 1)
    return shapes | affine(point + 'predictor', classes, 256 + classes, 1)


def retinanet(classes: int = 80) -> dict:
    shapes = resnet() | fpn(3) | {f'anchor_generator.cell_anchors.{i}': (9, 4) for i in range(5)}
    shapes |= affine('backbone.top_block.p6', 256, 2048, 3, 3) | affine(
        'backbone.top_block.p7', 256, 256, 3, 3
    )
    for branch in ('cls', 'bbox'):
        for i in (0, 2, 4, 6):
            shapes |= affine(f'head.{branch}_subnet.{i}', 256, 256, 3, 3)
    return (
        shapes
        | affine('head.cls_score', 9 * classes, 256, 3, 3)
        | affine('head.bbox_pred', 36, 256, 3, 3)
    )


def filled(shapes: dict) -> dict[str, Tensor]:
    """Random weights that keep a signal's size."""
    torch.manual_seed(0)
    weights = {}
    for name, shape in shapes.items():
        if name.endswith('running_var') or (name.endswith('norm.weight')):
            weights[name] = torch.rand(shape) + 0.5
        elif len(shape) == 1:
            weights[name] = torch.randn(shape) * 0.1
        else:
            weights[name] = torch.randn(shape) * torch.Size(shape[1:]).numel() ** -0.5
    if 'pixel_mean' in weights:
        weights['pixel_mean'] = torch.tensor([103.53, 116.28, 123.675]).view(3, 1, 1)
        weights['pixel_std'] = torch.ones(3, 1, 1)
    return weights


def save_as_zoo(weights: dict[str, Tensor], path) -> None:
    """As the model zoo's files are: a pickle of arrays, with its author."""
    arrays = {name: weight.numpy() for name, weight in weights.items()}
    with open(path, 'wb') as file:
        pickle.dump({'model': arrays, '__author__': 'Detectron2 Model Zoo'}, file)


def conv(w: dict, name: str, x: Tensor, stride: int = 1) -> Tensor:
    kernel = w[f'{name}.weight']
    return F.conv2d(x, kernel, w.get(f'{name}.bias'), stride, (kernel.shape[-1] - 1) // 2)


def conv_norm(w: dict, name: str, x: Tensor, stride: int = 1) -> Tensor:
    x = conv(w, name, x, stride)
    weight, bias, mean, var = (
        w[f'{name}.norm.{part}'][:, None, None]
        for part in ('weight', 'bias', 'running_mean', 'running_var')
    )
    return (x - mean) / (var + 1e-5).sqrt() * weight + bias


def linear(w: dict, name: str, x: Tensor) -> Tensor:
    return x @ w[f'{name}.weight'].T + w[f'{name}.bias']


def stages(w: dict, image: Tensor) -> list[Tensor]:
    """C2 to C5; the first conv of a stage has the stride."""
    x = F.max_pool2d(conv_norm(w, BODY + 'stem.conv1', image, 2).relu(), 3, 2, 1)
    found = []
    for stage, blocks in enumerate(BLOCKS):
        for block in range(blocks):
            name, stride = f'{BODY}res{stage + 2}.{block}.', 2 if stage and not block else 1
            y = conv_norm(w, name + 'conv1', x, stride).relu()
            y = conv_norm(w, name + 'conv3', conv_norm(w, name + 'conv2', y).relu())
            x = (y + (x if block else conv_norm(w, name + 'shortcut', x, stride))).relu()
        found.append(x)
    return found


def pyramid(w: dict, image: Tensor, first: int) -> list[Tensor]:
    """The output levels from ``first`` to 5, and the coarser ones."""
    features = stages(w, image)
    inner, levels = None, []
    for level in range(5, first - 1, -1):
        lateral = conv(w, f'backbone.fpn_lateral{level}', features[level - 2])
        inner = (
            lateral if inner is None else lateral + inner.repeat_interleave(2, 2).repeat_interleave(2, 3)
        )
        levels.insert(0, conv(w, f'backbone.fpn_output{level}', inner))
    if first == 2:
        return [*levels, levels[-1][..., ::2, ::2]]
    p6 = conv(w, 'backbone.top_block.p6', features[3], 2)
    return [*levels, p6, conv(w, 'backbone.top_block.p7', p6.relu(), 2)]
