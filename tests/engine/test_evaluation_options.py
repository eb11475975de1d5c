"""Options of evaluations: test-time augmentation of test sets in parts, metrics that work."""

import pytest
from mmengine.config import Config

from mmdet_efpn.engine import augment_test
from mmdet_efpn.engine.evaluation_options import replace_broken_metrics
from mmdet_efpn.utils.errors import UserError


def pipelines(cfg):
    return [[step['type'] for step in part['pipeline']] for part in cfg.test_dataloader.dataset.datasets]


def joined(pack='PackDetInputs', **keys):
    part = dict(type='CocoDataset', pipeline=[dict(type='LoadImageFromFile'), dict(type=pack)])
    dataset = dict(type='ConcatDataset', datasets=[part, dict(part)])
    return Config(dict(model=dict(type='RPN'), test_dataloader=dict(dataset=dataset), **keys))


def test_each_part_of_a_test_set_is_augmented():
    cfg = joined()
    augment_test(cfg)
    assert pipelines(cfg) == [['LoadImageFromFile', 'TestTimeAug']] * 2
    assert cfg.model.module.type == 'RPN'
    cfg = joined(tta_pipeline=[dict(type='Mine')], tta_model=dict(type='DetTTAModel', tta_cfg={}))
    augment_test(cfg)
    assert pipelines(cfg) == [['Mine']] * 2
    with pytest.raises(UserError, match='does not end in PackDetInputs'):
        augment_test(joined(pack='Other'))


def test_proposal_fast_gives_way():
    cfg = Config(
        dict(
            val_evaluator=dict(type='CocoMetric', metric='proposal_fast'),
            test_evaluator=[
                dict(type='CocoMetric', metric=['bbox', 'proposal_fast']),
                dict(type='CocoMetric', metric='bbox'),
            ],
        )
    )
    changes = replace_broken_metrics(cfg)
    assert cfg.val_evaluator.metric == ['proposal']
    assert [part.metric for part in cfg.test_evaluator] == [['bbox', 'proposal'], 'bbox']
    assert [change.split(':')[0] for change in changes] == [
        'val_evaluator.metric',
        'test_evaluator[0].metric',
    ]
    assert replace_broken_metrics(Config(dict(val_evaluator=None))) == []
