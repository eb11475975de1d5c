"""detectron2's PointRend as MMDetection's ``PointRend``.

Both generations of names: ``mask_coarse_head.coarse_mask_fc1`` became ``mask_head.coarse_head.fc1``.

Source: detectron2/projects/PointRend.
"""

from .detectron2 import BACKBONE, BACKBONE_STYLE, DROPPED, PIXELS, PREPROCESSOR, STEM, TWO_STAGE
from .key_map import KeyMap, rule

_COARSE = r'roi_heads\.mask_(?:head\.coarse_head|coarse_head)\.'
_POINT = r'roi_heads\.mask_(?:head\.point_head|point_head)\.'

POINTREND = KeyMap(
    source='pointrend',
    signature=(STEM, _COARSE + r'.*', _POINT + r'fc1\.weight'),
    rules=(
        *BACKBONE,
        *TWO_STAGE,
        rule(
            _COARSE + r'reduce_spatial_dim_conv\.(weight|bias)',
            r'roi_head.mask_head.downsample_conv.conv.\1',
        ),
        *(
            rule(
                rf'{_COARSE}(?:coarse_mask_)?fc{i + 1}\.(weight|bias)', rf'roi_head.mask_head.fcs.{i}.\1'
            )
            for i in range(2)
        ),
        rule(_COARSE + r'prediction\.(weight|bias)', r'roi_head.mask_head.fc_logits.\1'),
        *(
            rule(rf'{_POINT}fc{i + 1}\.(weight|bias)', rf'roi_head.point_head.fcs.{i}.conv.\1')
            for i in range(3)
        ),
        rule(_POINT + r'predictor\.(weight|bias)', r'roi_head.point_head.fc_logits.\1'),
    ),
    dropped=DROPPED,
    pixels=PIXELS,
    preprocessor=PREPROCESSOR,
    notes=(BACKBONE_STYLE,),
)
