"""Three stages: a Faster R-CNN with FPN, then its extension by distillation, then its second head."""

stage = 'faster-rcnn_x101-32x8d_'
recipe = dict(
    stages=[
        dict(name='detector', config=stage + 'fpn_1x_coco.py'),
        dict(name='distillation', config=stage + 'efpn-distill_4-epochs_coco.py'),
        dict(name='box head', config=stage + 'efpn-head_2-epochs_coco.py'),
    ]
)
