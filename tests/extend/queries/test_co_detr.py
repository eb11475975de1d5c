"""Co-DETR, whose class is not MMDetection's: its config alone is extended."""

import pytest
from mmdet.models.dense_heads import ATSSHead
from mmdet.registry import MODELS

from mmdet_efpn.extend import CannotExtendError, extend_with_report


def deformable(levels):
    return dict(type='MultiScaleDeformableAttention', embed_dims=256, num_levels=levels, check=False)


@pytest.fixture
def co_detr(shipped):
    """Function that gives a Co-DETR over so many levels from a stride on, one more for its aux heads."""

    def config(first, count):
        strides = [first * 2**i for i in range(count + 1)]
        cfg = shipped('dino/dino-4scale_r50_8xb2-12e_coco')
        plain = cfg.model
        indices = (0, 1, 2, 3) if first == 4 else (1, 2, 3)
        generator = dict(type='AnchorGenerator', ratios=[1.0], octave_base_scale=8, scales_per_octave=1)
        transformer = dict(
            type='CoDinoTransformer',
            num_feature_levels=count,
            encoder=dict(transformerlayers=dict(attn_cfgs=deformable(count))),
            decoder=dict(
                transformerlayers=dict(attn_cfgs=[dict(type='MultiheadAttention'), deformable(count)])
            ),
        )
        cfg.model = dict(
            type='CoDETR',
            data_preprocessor=plain.data_preprocessor,
            backbone=dict(plain.backbone, out_indices=indices),
            neck=dict(plain.neck, in_channels=[256, 512, 1024, 2048][-len(indices) :], num_outs=count),
            query_head=dict(type='CoDINOHead', transformer=transformer),
            rpn_head=dict(type='RPNHead', anchor_generator=dict(generator, strides=strides)),
            roi_head=[
                dict(
                    type='CoStandardRoIHead',
                    bbox_roi_extractor=dict(
                        type='SingleRoIExtractor', featmap_strides=strides[:-1], finest_scale=56
                    ),
                )
            ],
            bbox_head=[dict(type='CoATSSHead', anchor_generator=dict(generator, strides=strides))],
        )
        return cfg

    return config


@pytest.fixture
def aux_head():
    """Registers a class of the project's name for its auxiliary head."""
    MODELS.register_module('CoATSSHead', module=ATSSHead)
    yield
    MODELS._module_dict.pop('CoATSSHead')


@pytest.mark.usefixtures('aux_head')
@pytest.mark.parametrize(
    ('first', 'count', 'levels', 'expected'),
    [
        (4, 5, None, [4, 8, 16, 32, 64]),
        (4, 5, 'all', [2, 4, 8, 16, 32, 64]),
        (8, 4, None, [4, 8, 16, 32, 64]),
    ],
)
def test_every_head_takes_the_levels(co_detr, first, count, levels, expected):
    cfg, _ = extend_with_report(co_detr(first, count), levels=levels, check=False)
    transformer = cfg.model.query_head.transformer
    assert transformer.num_feature_levels == len(expected)
    assert transformer.encoder.transformerlayers.attn_cfgs.num_levels == len(expected)
    assert transformer.decoder.transformerlayers.attn_cfgs[1].num_levels == len(expected)
    aux = [*expected, 2 * expected[-1]]
    assert cfg.model.rpn_head.anchor_generator.strides == aux
    assert cfg.model.bbox_head[0].anchor_generator.strides == aux
    assert cfg.model.roi_head[0].bbox_roi_extractor.featmap_strides == expected


def test_a_head_that_nothing_registers_is_refused_with_the_remedy(co_detr):
    with pytest.raises(CannotExtendError, match=r'CoATSSHead is not registered.*custom_imports'):
        extend_with_report(co_detr(8, 4))


@pytest.mark.usefixtures('aux_head')
def test_whole_keys_name_the_place_in_a_list(co_detr):
    _, report = extend_with_report(co_detr(8, 4), check=False)
    assert any('model.bbox_head[0].anchor_generator' in line for line in report.changes)
    assert any('model.roi_head[0].bbox_roi_extractor' in line for line in report.changes)


def test_an_unknown_query_head_is_refused(co_detr):
    cfg = co_detr(8, 4)
    cfg.model.query_head = dict(type='OwnHead', transformer=dict(type='Own'))
    with pytest.raises(CannotExtendError, match=r'model\.query_head\.transformer'):
        extend_with_report(cfg)
