"""What is frozen stays bit-equal, and checkpoints are the plain detector's."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.runner.checkpoint import get_state_dict, load_state_dict

from mmdet_efpn.engine import keep_boxes_in_float32
from mmdet_efpn.models import PartlyTrainedDetector


def ten_steps(model, data, **optimizer):
    """Trains ten steps; gives the optimiser."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(10):
        losses = model(**model.data_preprocessor(data, True), mode='loss')
        loss, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    'trainable', [['neck.extension'], ['roi_head.bbox_head', 'neck.extension.ftt'], None]
)
def test_only_the_named_parts_change(detector_cfg, build, batch, trainable):
    model = build(dict(type='PartlyTrainedDetector', detector=detector_cfg, trainable=trainable))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train()
    optimizer = ten_steps(model, batch())
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    parts = tuple(part + '.' for part in trainable or [])
    expected = {name for name in before if trainable is None or name.startswith(parts)}
    assert changed == expected
    trained = {id(p) for name, p in model.detector.named_parameters() if name in expected}
    assert {id(p) for p in optimizer.state} == trained
    assert {id(p) for p in model.parameters() if p.grad is not None} == trained


def test_the_third_stage_changes_the_second_box_head_alone(detector_cfg, build, batch):
    detector_cfg['roi_head'].update(extended_bbox_head=True, extended_rois_only=True)
    model = build(
        dict(
            type='PartlyTrainedDetector',
            detector=detector_cfg,
            trainable=['roi_head.extended_bbox_head'],
        )
    )
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model.train()
    optimizer = ten_steps(model, batch())
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    part = 'roi_head.extended_bbox_head.'
    assert changed == {name for name in before if name.startswith(part)} != set()
    assert {id(p) for p in optimizer.state} == {
        id(p) for p in model.detector.roi_head.extended_bbox_head.parameters()
    }


@pytest.mark.parametrize('sampler', ['RandomSampler', 'OHEMSampler'])
def test_the_third_stage_has_its_gradient_under_autocast(detector_cfg, build, batch, sampler):
    """OHEM runs the head without gradient first; its cast weights must not stay."""
    detector_cfg['roi_head'].update(extended_bbox_head=True, extended_rois_only=True)
    detector_cfg['train_cfg']['rcnn']['sampler']['type'] = sampler
    model = build(
        dict(
            type='PartlyTrainedDetector',
            detector=detector_cfg,
            trainable=['roi_head.extended_bbox_head'],
        )
    ).train()
    keep_boxes_in_float32(model)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**model.data_preprocessor(batch(), True), mode='loss')
    model.parse_losses(losses)[0].backward()
    for name, parameter in model.detector.roi_head.extended_bbox_head.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_frozen_modules_are_in_evaluation_mode_and_the_others_switch(detector_cfg, build):
    detector_cfg['neck']['norm_cfg'] = dict(type='BN')
    model = build(
        dict(type='PartlyTrainedDetector', detector=detector_cfg, trainable=['neck.extension'])
    )
    model.train()
    norms = {
        name: m.training
        for name, m in model.detector.named_modules()
        if isinstance(m, torch.nn.BatchNorm2d)
    }
    assert (
        {name for name, training in norms.items() if training}
        == {name for name in norms if name.startswith('neck.extension')}
        != set()
    )
    assert not model.eval().detector.neck.extension.training


def test_losses_that_nothing_trained_feeds_are_left_out(detector_cfg, build, batch):
    model = build(
        dict(type='PartlyTrainedDetector', detector=detector_cfg, trainable=['roi_head.bbox_head'])
    )
    losses = model(**model.data_preprocessor(batch(), True), mode='loss')
    assert set(losses) == {'loss_cls', 'loss_bbox', 'acc'}


@pytest.mark.parametrize(
    ('save', 'load'),
    [
        (torch.nn.Module.state_dict, torch.nn.Module.load_state_dict),
        (get_state_dict, lambda model, weights: load_state_dict(model, weights, strict=True)),
    ],
    ids=['torch', 'mmengine'],
)
def test_weights_go_back_and_forth_to_the_plain_detector(detector_cfg, build, save, load):
    plain = build(detector_cfg)
    wrapped = build(
        dict(type='PartlyTrainedDetector', detector=detector_cfg, trainable=['neck.extension'])
    )
    with torch.no_grad():
        for parameter in plain.parameters():
            parameter.add_(1)
    load(wrapped, save(plain))  # both loaders refuse a missing or unexpected key
    assert set(save(wrapped)) == set(save(plain))
    other = build(detector_cfg)
    load(other, save(wrapped))
    for (name, value), expected in zip(
        other.state_dict().items(), plain.state_dict().values(), strict=True
    ):
        assert torch.equal(value, expected), name


def test_predicts_like_the_plain_detector(detector_cfg, build, batch):
    plain = build(detector_cfg).eval()
    wrapped = build(dict(type='PartlyTrainedDetector', detector=detector_cfg)).eval()
    with torch.no_grad():
        one, other = (model.test_step(batch()) for model in (plain, wrapped))
    for a, b in zip(one, other, strict=True):
        assert len(a.pred_instances)
        assert torch.equal(a.pred_instances.bboxes, b.pred_instances.bboxes)


def test_says_what_trains_with_counts(detector_cfg, build):
    log = MMLogger.get_instance('partly', logger_name='partly')
    with_log = []
    log.handlers[0].emit = lambda record: with_log.append(record.getMessage())
    model = build(
        dict(
            type='PartlyTrainedDetector', detector=detector_cfg, trainable=['neck.extension.output_conv']
        )
    )
    # one 3x3 conv, 16 to 16 channels, without bias
    assert 'neck.extension.output_conv: 2,304 parameters in 1 tensors' in model.training_summary()
    assert any('Parts that train' in line for line in with_log)


def test_refuses_names_that_are_not_there_and_parts_that_cannot_train(detector_cfg):
    with pytest.raises(ValueError, match=r"model\.trainable names \['neck\.extention'\]"):
        MODELS.build(
            dict(type='PartlyTrainedDetector', detector=detector_cfg, trainable=['neck.extention'])
        )
    for trainable in ([], 'neck.extension'):
        with pytest.raises(ValueError, match=r'model\.trainable must be a list of names'):
            PartlyTrainedDetector(detector_cfg, trainable=trainable)
    detector_cfg['backbone']['frozen_stages'] = 1
    with pytest.raises(ValueError, match=r"\['backbone\.conv1'\], which have no parameter"):
        PartlyTrainedDetector(detector_cfg, trainable=['backbone.conv1'])
