"""detectron2's Faster R-CNN, Mask R-CNN and RetinaNet with FPN, on ResNet and ResNeXt.

Source: detectron2/modeling and its model zoo, whose files (``model_final_*.pkl``) are pickles of arrays.
"""

from .changes import ratios_outside_sizes
from .key_map import KeyMap, Rule, rule

BOTTOM_UP = r'backbone\.bottom_up\.'
NORM = r'norm\.(weight|bias|running_mean|running_var|num_batches_tracked)'
_HEADS = r'roi_heads\.'
STEM = BOTTOM_UP + r'stem\.conv1\.weight'


def stage_of_bottlenecks(theirs: int, ours: int) -> tuple[Rule, ...]:
    """A stage of bottlenecks, whose block is the first bracket."""
    block, name = rf'{BOTTOM_UP}res{theirs}\.(\d+)\.', rf'backbone.layer{ours}.\1.'
    return (
        rule(block + r'conv([123])\.weight', name + r'conv\2.weight'),
        rule(block + r'conv([123])\.' + NORM, name + r'bn\2.\3'),
        rule(block + r'shortcut\.weight', name + 'downsample.0.weight'),
        rule(block + r'shortcut\.' + NORM, name + r'downsample.1.\2'),
    )


def _pyramid(first: int) -> tuple[Rule, ...]:
    """Laterals and output convs, which are counted from the finest level on."""
    return tuple(
        rule(rf'backbone\.fpn_{theirs}{level}\.(weight|bias)', rf'neck.{ours}.{level - first}.conv.\1')
        for theirs, ours in (('lateral', 'lateral_convs'), ('output', 'fpn_convs'))
        for level in range(first, 6)
    )


BACKBONE = (
    rule(STEM, 'backbone.conv1.weight'),
    rule(BOTTOM_UP + r'stem\.conv1\.' + NORM, r'backbone.bn1.\1'),
    *(part for stage in range(4) for part in stage_of_bottlenecks(stage + 2, stage + 1)),
)
TWO_STAGE = (
    *_pyramid(2),
    rule(r'proposal_generator\.rpn_head\.conv\.(weight|bias)', r'rpn_head.rpn_conv.\1'),
    rule(r'proposal_generator\.rpn_head\.objectness_logits\.(weight|bias)', r'rpn_head.rpn_cls.\1'),
    rule(r'proposal_generator\.rpn_head\.anchor_deltas\.(weight|bias)', r'rpn_head.rpn_reg.\1'),
    rule(_HEADS + r'box_head\.fc1\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.0.\1'),
    rule(_HEADS + r'box_head\.fc2\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.1.\1'),
    rule(_HEADS + r'box_predictor\.cls_score\.(weight|bias)', r'roi_head.bbox_head.fc_cls.\1'),
    rule(_HEADS + r'box_predictor\.bbox_pred\.(weight|bias)', r'roi_head.bbox_head.fc_reg.\1'),
)
MASK = (
    *(
        rule(
            rf'{_HEADS}mask_head\.mask_fcn{i + 1}\.(weight|bias)',
            rf'roi_head.mask_head.convs.{i}.conv.\1',
        )
        for i in range(4)
    ),
    rule(_HEADS + r'mask_head\.deconv\.(weight|bias)', r'roi_head.mask_head.upsample.\1'),
    rule(_HEADS + r'mask_head\.predictor\.(weight|bias)', r'roi_head.mask_head.conv_logits.\1'),
)
RETINANET = (
    *_pyramid(3),
    rule(r'backbone\.top_block\.p6\.(weight|bias)', r'neck.fpn_convs.3.conv.\1'),
    rule(r'backbone\.top_block\.p7\.(weight|bias)', r'neck.fpn_convs.4.conv.\1'),
    *(
        rule(rf'head\.{theirs}_subnet\.{2 * i}\.(weight|bias)', rf'bbox_head.{ours}_convs.{i}.conv.\1')
        for theirs, ours in (('cls', 'cls'), ('bbox', 'reg'))
        for i in range(4)
    ),
    rule(r'head\.cls_score\.(weight|bias)', r'bbox_head.retina_cls.\1', ratios_outside_sizes),
    rule(r'head\.bbox_pred\.(weight|bias)', r'bbox_head.retina_reg.\1', ratios_outside_sizes),
)
DROPPED = (
    (r'(?:proposal_generator\.)?anchor_generator\..*', 'anchors, which the config makes'),
    (r'pixel_(mean|std)', "pixel statistics, which the config's data_preprocessor has"),
)
PIXELS = 'BGR, mean 103.530, 116.280, 123.675, std 1 (ResNeXt: 57.375, 57.120, 58.395)'
PREPROCESSOR = dict(mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], bgr_to_rgb=False)
BACKBONE_STYLE = (
    'ResNets of its model zoo have stride 2 in the first conv of a block, as in Caffe: '
    "backbone.style='caffe', as in MMDetection's *_r50-caffe_* configs. ResNeXts have it in the 3x3 "
    "conv: 'pytorch'."
)

DETECTRON2 = KeyMap(
    source='detectron2',
    signature=(STEM, r'backbone\.fpn_lateral5\.weight', r'proposal_generator\.rpn_head\..*'),
    rules=(*BACKBONE, *TWO_STAGE, *MASK),
    dropped=DROPPED,
    pixels=PIXELS,
    preprocessor=PREPROCESSOR,
    notes=(
        'Box deltas have the same order and scale, and the background is the last class there too.',
        'Anchors lie as here, and RoIAlign is the aligned one, as here.',
        BACKBONE_STYLE,
    ),
)
DETECTRON2_RETINANET = KeyMap(
    source='detectron2',
    signature=(STEM, r'backbone\.fpn_lateral3\.weight', r'head\.cls_subnet\.0\.weight'),
    rules=(*BACKBONE, *RETINANET),
    dropped=DROPPED,
    pixels=PIXELS,
    preprocessor=PREPROCESSOR,
    notes=(
        'Box deltas have the same order and scale.',
        "Its P7 is made of P6 after a ReLU: neck.relu_before_extra_convs=True, which MMDetection's "
        "configs do not set; and P6 of C5: neck.add_extra_convs='on_input', which they do.",
        BACKBONE_STYLE,
    ),
)
