"""How many detections a test run reports."""

from types import SimpleNamespace

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_efpn.engine.hooks import CountDetections


def sample(number):
    return DetDataSample(
        pred_instances=InstanceData(
            bboxes=torch.zeros(number, 4),
            scores=torch.zeros(number),
            labels=torch.zeros(number, dtype=int),
        )
    )


def said(numbers, **limits):
    lines = []
    runner = SimpleNamespace(logger=SimpleNamespace(info=lines.append))
    hook = CountDetections(limits)
    for _ in range(2):  # the second test does not count the first one's
        hook.before_test_epoch(runner)
        for i in range(0, len(numbers), 2):
            hook.after_test_iter(runner, i, None, [sample(number) for number in numbers[i : i + 2]])
        hook.after_test_epoch(runner, {})
    assert lines[0] == lines[1]
    return lines[0]


def test_all_are_counted_and_those_beyond_100_said():
    assert said([3, 0, 5]) == 'Detections: 8 on 3 images, at most 5 on one.'
    text = said([300, 100, 101, 300], key=300)
    assert text.startswith(
        'Detections: 801 on 4 images, at most 300 on one. 3 images have more than 100'
    )
    assert text.endswith('2 images are full: key=300 may have cut more off.')
