"""Hooks and optimiser rules that mean a level's part by its index are named in the report."""

import pytest
from mmengine.config import Config

from mmdet_efpn.extend import extend_with_report
from mmdet_efpn.extend.moved_names import note_moved_names
from mmdet_efpn.extend.parts.pyramid import Levels
from mmdet_efpn.extend.report import Report

ADDED = Levels((8, 16), (2, 4, 8, 16))


@pytest.mark.parametrize(
    ('settings', 'where', 'named'),
    [
        (
            dict(custom_hooks=[dict(type='Freeze', parts=['neck.fpn_convs.0'])]),
            'custom_hooks[0].parts[0]',
            'neck.fpn_convs.0',
        ),
        (
            dict(default_hooks=dict(own=dict(type='Log', part='bbox_head.scales.1.scale'))),
            'default_hooks.own.part',
            'bbox_head.scales.1',
        ),
        (
            dict(optim_wrapper=dict(paramwise_cfg=dict(custom_keys={'neck.convs.2': dict(lr_mult=1)}))),
            'optim_wrapper.paramwise_cfg.custom_keys',
            'neck.convs.2',
        ),
    ],
)
def test_part_of_a_level_is_named(settings, where, named):
    report = Report()
    note_moved_names(Config(settings), ADDED, report)
    (line,) = report.kept
    assert line.startswith(f'{where}: {named} names the part of one level')


@pytest.mark.parametrize(
    'settings',
    [
        dict(custom_hooks=[dict(type='EMAHook', momentum=0.0002), dict(type='SyncNormHook')]),
        dict(optim_wrapper=dict(paramwise_cfg=dict(custom_keys={'backbone.layer1.0': dict(lr_mult=0)}))),
        dict(custom_hooks=[dict(type='MeanTeacherHook')], optim_wrapper=None),
    ],
)
def test_other_settings_are_not(settings):
    report = Report()
    note_moved_names(Config(settings), ADDED, report)
    assert report.kept == []


def test_no_index_moves_without_new_levels():
    report = Report()
    hooks = Config(dict(custom_hooks=[dict(type='Freeze', part='neck.fpn_convs.0')]))
    note_moved_names(hooks, Levels((4, 8), (4, 8)), report)
    assert report.kept == []


def test_report_of_a_whole_config(shipped):
    cfg = shipped('retinanet/retinanet_r18_fpn_1x_coco')
    cfg.custom_hooks = [dict(type='Freeze', part='neck.fpn_convs.0')]
    _, report = extend_with_report(cfg)
    assert any(line.startswith('custom_hooks[0].part: neck.fpn_convs.0') for line in report.kept)
