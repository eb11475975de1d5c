"""RetinaNet with P3' for its finest level: the anchors of its plain twin, each a level finer.

Five levels again, P3' to P6 in the place of P3 to P7. At stride 4 nine anchors a cell are affordable,
at stride 2 the head would do four times the work. Neither C2' nor P2' is computed.
"""

_base_ = '../../../configs/deeppcb/retinanet_r18_fpn_1500-iters_deeppcb-320.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='ExtendedNeck',
        neck=dict(
            type='FPN',
            in_channels=[64, 128, 256, 512],
            out_channels=128,
            add_extra_convs='on_input',
            num_outs=5,
        ),
        ftt=dict(type='LightFTT'),
        levels='p3_prime',
    ),
    bbox_head=dict(anchor_generator=dict(octave_base_scale=4, strides=[4, 8, 16, 32, 64])),
)
