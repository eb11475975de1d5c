"""DiffusionDet, whose class is not MMDetection's: its config alone is extended."""

import pytest

from mmdet_efpn.extend import extend_with_report


@pytest.mark.parametrize(
    ('levels', 'strides'), [(None, [2, 4, 8, 16, 32]), ('p3_prime', [4, 8, 16, 32])]
)
def test_its_extractor_takes_the_levels(shipped, levels, strides):
    cfg = shipped('sparse_rcnn/sparse-rcnn_r50_fpn_1x_coco')
    extractor = cfg.model.roi_head.bbox_roi_extractor
    cfg.model = dict(
        type='DiffusionDet',
        data_preprocessor=cfg.model.data_preprocessor,
        backbone=cfg.model.backbone,
        neck=cfg.model.neck,
        bbox_head=dict(
            type='DynamicDiffusionDetHead',
            roi_extractor=extractor,
            single_head=dict(type='SingleDiffusionDetHead'),
        ),
    )
    extended, report = extend_with_report(cfg, levels=levels, check=False)
    assert extended.model.bbox_head.roi_extractor.featmap_strides == strides
    if levels is None:
        assert extended.model.neck.type == 'EFPN'
        assert any(line.startswith('model.bbox_head.roi_extractor') for line in report.changes)
