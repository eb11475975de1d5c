"""torchvision's Faster R-CNN, Mask R-CNN and RetinaNet with ResNet and FPN.

Both generations of names: torchvision 0.13 put convs into blocks, so that ``conv.weight`` became
``conv.0.0.weight``. Its second versions (``..._v2``) have norms in FPN and heads, which are the blocks'
second part.

Source: torchvision/models/detection (0.8 to 0.27).
"""

from .changes import (
    boxes_of_torchvision,
    classes_of_torchvision,
    dense_classes_of_torchvision,
    masks_of_torchvision,
)
from .key_map import KeyMap, Rule, rule

_BODY, _FPN, _HEADS = r'backbone\.body\.', r'backbone\.fpn\.', r'roi_heads\.'
_NORM = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
_BLOCK = r'(?:\.0)?\.(weight|bias)'  # the conv of a block, or a conv alone


def _retinanet(theirs: str, ours: str) -> tuple[Rule, ...]:
    """The four convs of a branch of RetinaNet's head; in the old names ReLUs were counted too."""
    convs = rf'head\.{theirs}_head\.conv\.'
    return (
        rule(convs + r'(\d)\.0\.(weight|bias)', rf'bbox_head.{ours}_convs.\1.conv.\2'),
        rule(convs + r'(\d)\.1\.(weight|bias)', rf'bbox_head.{ours}_convs.\1.gn.\2'),
        *(
            rule(convs + rf'{2 * i}\.(weight|bias)', rf'bbox_head.{ours}_convs.{i}.conv.\1')
            for i in range(4)
        ),
    )


TORCHVISION = KeyMap(
    source='torchvision',
    signature=(_BODY + r'layer1\.0\.conv1\.weight', _FPN + r'inner_blocks\.0\..*'),
    rules=(
        rule(_BODY + r'(conv1\.weight|(?:bn1|layer[1-4])\..+)', r'backbone.\1'),
        rule(_FPN + r'inner_blocks\.(\d)' + _BLOCK, r'neck.lateral_convs.\1.conv.\2'),
        rule(_FPN + r'inner_blocks\.(\d)\.1\.' + _NORM, r'neck.lateral_convs.\1.bn.\2'),
        rule(_FPN + r'layer_blocks\.(\d)' + _BLOCK, r'neck.fpn_convs.\1.conv.\2'),
        rule(_FPN + r'layer_blocks\.(\d)\.1\.' + _NORM, r'neck.fpn_convs.\1.bn.\2'),
        # RetinaNet's P6 and P7 follow P3, P4 and P5
        rule(_FPN + r'extra_blocks\.p6\.(weight|bias)', r'neck.fpn_convs.3.conv.\1'),
        rule(_FPN + r'extra_blocks\.p7\.(weight|bias)', r'neck.fpn_convs.4.conv.\1'),
        rule(r'rpn\.head\.conv(?:\.0\.0)?\.(weight|bias)', r'rpn_head.rpn_conv.\1'),
        rule(r'rpn\.head\.cls_logits\.(weight|bias)', r'rpn_head.rpn_cls.\1'),
        rule(r'rpn\.head\.bbox_pred\.(weight|bias)', r'rpn_head.rpn_reg.\1'),
        rule(_HEADS + r'box_head\.fc6\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.0.\1'),
        rule(_HEADS + r'box_head\.fc7\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.1.\1'),
        rule(
            _HEADS + r'box_predictor\.cls_score\.(weight|bias)',
            r'roi_head.bbox_head.fc_cls.\1',
            classes_of_torchvision,
        ),
        rule(
            _HEADS + r'box_predictor\.bbox_pred\.(weight|bias)',
            r'roi_head.bbox_head.fc_reg.\1',
            boxes_of_torchvision,
        ),
        rule(_HEADS + r'mask_head\.(\d)\.0\.(weight|bias)', r'roi_head.mask_head.convs.\1.conv.\2'),
        rule(_HEADS + r'mask_head\.(\d)\.1\.' + _NORM, r'roi_head.mask_head.convs.\1.bn.\2'),
        *(
            rule(
                rf'{_HEADS}mask_head\.mask_fcn{i + 1}\.(weight|bias)',
                rf'roi_head.mask_head.convs.{i}.conv.\1',
            )
            for i in range(4)
        ),
        rule(_HEADS + r'mask_predictor\.conv5_mask\.(weight|bias)', r'roi_head.mask_head.upsample.\1'),
        rule(
            _HEADS + r'mask_predictor\.mask_fcn_logits\.(weight|bias)',
            r'roi_head.mask_head.conv_logits.\1',
            masks_of_torchvision,
        ),
        *_retinanet('classification', 'cls'),
        *_retinanet('regression', 'reg'),
        rule(
            r'head\.classification_head\.cls_logits\.(weight|bias)',
            r'bbox_head.retina_cls.\1',
            dense_classes_of_torchvision,
        ),
        rule(r'head\.regression_head\.bbox_reg\.(weight|bias)', r'bbox_head.retina_reg.\1'),
    ),
    pixels='RGB, mean 123.675, 116.28, 103.53, std 58.395, 57.12, 57.375; padded to a multiple of 32',
    preprocessor=dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True),
    notes=(
        'Box deltas have the same order and scale (10, 10, 5, 5 there are stds of 0.1 and 0.2 here).',
        'torchvision rounds anchors to whole pixels and pools RoIs unaligned with 2x2 samples. Norms of '
        "its files for COCO (not the _v2 ones) have epsilon 0. torchvision's own detections come of "
        'configs/plain_starts/*_torchvision_coco.py.',
        "Its ResNets have stride 2 in a block's 3x3 conv: backbone.style='pytorch', not 'caffe'.",
        'Class 0 is taken for the background, as torchvision counts; a file with 91 classes is taken '
        'for one of COCO.',
    ),
)
