"""The EFPN authors' released models: their program is a fork of Detectron.pytorch.

Levels are listed coarse to fine there. A norm is a frozen scale and bias.

Source: the authors' code and configs for arXiv:2003.07021 (COCO and TT100K).
"""

from .changes import (
    background_last,
    mean_of_affine,
    p2_before_content,
    variance_of_affine,
    without_background_box,
)
from .key_map import KeyMap, Rule, To, rule

_BODY = r'Conv_Body\.'
_BACKBONE = r'Conv_Body\.conv_body\.'
_EXTENSION = r'(?:Conv_Body\.)?Extension\.'  # some files have it beside the body
_FTT = _EXTENSION + r'FTT\.'


def _norm(pattern: str, name: str) -> tuple[Rule, Rule]:
    """A frozen affine layer, as a batch norm in evaluation mode."""
    weight = Rule(
        pattern + r'\.weight',
        (
            To(name + '.weight'),
            To(name + '.running_mean', mean_of_affine),
            To(name + '.running_var', variance_of_affine),
        ),
    )
    return weight, rule(pattern + r'\.bias', name + '.bias')


def _stage(theirs: int, ours: int) -> tuple[Rule, ...]:
    """A stage of bottlenecks, whose block is the first bracket."""
    block, name = rf'{_BACKBONE}res{theirs}\.(\d+)\.', rf'backbone.layer{ours}.\1.'
    return (
        rule(block + r'conv([123])\.weight', name + r'conv\2.weight'),
        rule(block + r'downsample\.0\.weight', name + 'downsample.0.weight'),
        *_norm(block + r'bn([123])', name + r'bn\2'),
        *_norm(block + r'downsample\.1', name + 'downsample.1'),
    )


def _box_head(suffix: str, ours: str) -> tuple[Rule, ...]:
    head, outs = rf'Box_Head{suffix}\.', rf'Box_Outs{suffix}\.'
    return (
        rule(head + r'fc1\.(weight|bias)', rf'roi_head.{ours}.shared_fcs.0.\1'),
        rule(head + r'fc2\.(weight|bias)', rf'roi_head.{ours}.shared_fcs.1.\1'),
        rule(outs + r'cls_score\.(weight|bias)', rf'roi_head.{ours}.fc_cls.\1', background_last),
        rule(outs + r'bbox_pred\.(weight|bias)', rf'roi_head.{ours}.fc_reg.\1', without_background_box),
    )


RELEASED = KeyMap(
    source='released',
    signature=(_BACKBONE + r'res1\.conv1\.weight', _BODY + r'topdown_lateral_modules\..*'),
    rules=(
        rule(_BACKBONE + r'res1\.conv1\.weight', 'backbone.conv1.weight'),
        *_norm(_BACKBONE + r'res1\.bn1', 'backbone.bn1'),
        *_stage(2, 1),
        *_stage(3, 2),
        *_stage(4, 3),
        *_stage(5, 4),
        rule(_BODY + r'conv_top\.(weight|bias)', r'neck.lateral_convs.3.conv.\1'),
        *(
            rule(
                rf'{_BODY}topdown_lateral_modules\.{theirs}\.conv_lateral\.(weight|bias)',
                rf'neck.lateral_convs.{2 - theirs}.conv.\1',
            )
            for theirs in range(3)
        ),
        *(
            rule(
                rf'{_BODY}posthoc_modules\.{theirs}\.(weight|bias)',
                rf'neck.fpn_convs.{3 - theirs}.conv.\1',
            )
            for theirs in range(4)
        ),
        rule(_EXTENSION + r'conv_lateral\.weight', 'neck.extension.lateral_conv.conv.weight'),
        rule(_EXTENSION + r'post\.weight', 'neck.extension.output_conv.conv.weight'),
        rule(
            _FTT + r'content_extractor\.content_head\.0\.(weight|bias)',
            r'neck.extension.ftt.content_conv.0.\1',
        ),
        rule(
            _FTT + r'content_extractor\.content_body\.0\.conv_block\.0\.(weight|bias)',
            r'neck.extension.ftt.content_block.conv1.\1',
        ),
        rule(
            _FTT + r'content_extractor\.content_body\.0\.conv_block\.2\.(weight|bias)',
            r'neck.extension.ftt.content_block.conv2.\1',
        ),
        rule(_FTT + r'sub_pixel\.0\.(weight|bias)', r'neck.extension.ftt.upsample.0.\1'),
        rule(
            _FTT + r'texture_extractor\.texture_head\.0\.weight',
            'neck.extension.ftt.texture.0.0.weight',
            p2_before_content,
        ),
        rule(
            _FTT + r'texture_extractor\.texture_head\.0\.bias',
            'neck.extension.ftt.texture.0.0.bias',
        ),
        *(
            rule(
                rf'{_FTT}texture_extractor\.texture_body\.{block}\.conv_block\.{theirs}\.(weight|bias)',
                rf'neck.extension.ftt.texture.{block + 1}.conv{ours}.\1',
            )
            for block in range(2)
            for theirs, ours in ((0, 1), (2, 2))
        ),
        rule(_FTT + r'tail\.0\.(weight|bias)', r'neck.extension.ftt.tail.0.0.\1'),
        rule(_FTT + r'tail\.2\.(weight|bias)', r'neck.extension.ftt.tail.1.\1'),
        rule(r'RPN\.FPN_RPN_conv\.(weight|bias)', r'rpn_head.rpn_conv.\1'),
        rule(r'RPN\.FPN_RPN_cls_score\.(weight|bias)', r'rpn_head.rpn_cls.\1'),
        rule(r'RPN\.FPN_RPN_bbox_pred\.(weight|bias)', r'rpn_head.rpn_reg.\1'),
        *_box_head('', 'bbox_head'),
        *_box_head('_SR', 'extended_bbox_head'),
    ),
    pixels='BGR, mean 102.9801, 115.9465, 122.7717, std 1; padded to a multiple of 64',
    preprocessor=dict(mean=[102.9801, 115.9465, 122.7717], std=[1.0, 1.0, 1.0], bgr_to_rgb=False),
    notes=(
        "The boxes are the released program's with the test settings of configs/released/"
        "*_released_*.py alone: anchors, box coder, pooling and NMS differ from MMDetection's.",
        'The COCO model uses one box head; a second one in its file (Box_Head_SR) is not used there.',
    ),
)
