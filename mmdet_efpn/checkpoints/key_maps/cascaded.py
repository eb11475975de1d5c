"""The detectron2 implementation of EFPN, with its cascaded backbone.

Its backbone books strides 4..64 for stages whose true strides are 2..32: what it calls ``fpn_lateral2``
is the lateral conv of C2', ``fpn_lateral3`` that of C2, and so on.
"""

from .detectron2 import BOTTOM_UP, NORM, stage_of_bottlenecks
from .key_map import KeyMap, rule

CASCADED = KeyMap(
    source='cascaded',
    signature=(
        BOTTOM_UP + r'stem\.conv1\.weight',
        BOTTOM_UP + r'res3\.0\.conv1\.weight',
        BOTTOM_UP + r'res6\..*',
        r'backbone\.fpn_lateral6\.weight',
    ),
    rules=(
        rule(BOTTOM_UP + r'stem\.conv1\.weight', 'backbone.conv1.weight'),
        rule(BOTTOM_UP + r'stem\.conv1\.' + NORM, r'backbone.bn1.\1'),
        *stage_of_bottlenecks(2, 1),
        rule(BOTTOM_UP + r'res3\.0\.conv1\.weight', 'backbone.layer2.conv.weight'),
        rule(BOTTOM_UP + r'res3\.0\.conv1\.' + NORM, r'backbone.layer2.bn.\1'),
        *stage_of_bottlenecks(4, 3),
        *stage_of_bottlenecks(5, 4),
        *stage_of_bottlenecks(6, 5),
        rule(r'backbone\.fpn_lateral2\.(weight|bias)', r'neck.extension.lateral_conv.conv.\1'),
        *(
            rule(
                rf'backbone\.fpn_{theirs}{level}\.(weight|bias)',
                rf'neck.{ours}.{level - 3}.conv.\1',
            )
            for theirs, ours in (('lateral', 'lateral_convs'), ('output', 'fpn_convs'))
            for level in range(3, 7)
        ),
        rule(r'proposal_generator\.rpn_head\.conv\.(weight|bias)', r'rpn_head.rpn_conv.\1'),
        rule(r'proposal_generator\.rpn_head\.objectness_logits\.(weight|bias)', r'rpn_head.rpn_cls.\1'),
        rule(r'proposal_generator\.rpn_head\.anchor_deltas\.(weight|bias)', r'rpn_head.rpn_reg.\1'),
        rule(r'roi_heads\.box_head\.fc1\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.0.\1'),
        rule(r'roi_heads\.box_head\.fc2\.(weight|bias)', r'roi_head.bbox_head.shared_fcs.1.\1'),
        rule(r'roi_heads\.box_predictor\.cls_score\.(weight|bias)', r'roi_head.bbox_head.fc_cls.\1'),
        rule(r'roi_heads\.box_predictor\.bbox_pred\.(weight|bias)', r'roi_head.bbox_head.fc_reg.\1'),
    ),
    dropped=(
        (
            r'backbone\.fpn_output2\.(weight|bias)',
            "a 3x3 conv whose output the program throws away, for P2' stands in its place",
        ),
        (r'proposal_generator\.anchor_generator\..*', 'anchors, which the config makes'),
        (r'pixel_(mean|std)', "pixel statistics, which the config's data_preprocessor has"),
    ),
    pixels='BGR, mean 103.530, 116.280, 123.675, std 57.375, 57.120, 58.395',
    preprocessor=dict(mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=False),
    notes=(
        'The file has no FTT: that program makes its convs anew in every forward pass and never saves '
        'them. Those of PointwiseFTT start as they are initialised here.',
        'It was trained with strides 4..64 for maps of strides 2..32, so that its anchors and RoIs lay '
        'at twice their place. Here they lie where they belong: train before you use the boxes.',
    ),
)
