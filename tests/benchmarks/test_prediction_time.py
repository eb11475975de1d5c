"""Times of trained detectors in turn: the whole command, its order, and what it refuses."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks.prediction_time import TimedDetector, compare, main, table

ALL_BOXES = {'model.test_cfg.rcnn.score_thr': 0.0}


class Counted:
    """A detector that writes down what is asked of it."""

    def __init__(self, name, seconds, log, images=('0.png', '1.png', '2.png')):
        self.name, self.given, self.log, self.images = name, iter(seconds), log, images

    def predict(self, index):
        self.log.append((self.name, index))
        return next(self.given), index


def test_images_go_round_the_detectors_and_the_first_pass_only_warms_up():
    log = []
    rows = compare(
        [Counted('a', [9, 1, 2, 6, 1, 2, 6], log), Counted('b', [9, 2, 4, 12, 2, 4, 12], log)], repeats=2
    )
    assert log == [('a', 0), ('b', 0)] + 2 * [(name, index) for index in range(3) for name in 'ab']
    assert rows == [
        dict(name='a', images=3, seconds=2, slowest_seconds=6, detections=1),
        dict(name='b', images=3, seconds=4, slowest_seconds=12, detections=1),
    ]
    assert table(rows).splitlines()[-1] == '| b | 4000 (2.00x) | 12000 | 1.0 |'


def test_other_test_images_are_refused():
    with pytest.raises(ValueError, match=r'b has other test images than a, such as 3.png and 0.png'):
        compare([Counted('a', [], []), Counted('b', [], [], ('3.png', '4.png', '5.png'))], repeats=1)


@pytest.mark.parametrize('amp', [None, 'bfloat16'])
def test_predicts_images_of_the_test_set(tiny_config, trained, amp):
    detector = TimedDetector(str(tiny_config), trained, 2, amp=amp, options=ALL_BOXES)
    assert [Path(image).name for image in detector.images] == ['0.png', '5.png']
    kinds = []
    detector.model.neck.extension.lateral_conv.register_forward_hook(
        lambda conv, inputs, output: kinds.append(output.dtype)
    )
    seconds, found = detector.predict(1)
    assert seconds > 0
    assert found == 100
    assert kinds == [torch.bfloat16 if amp else torch.float32]


def test_command(tiny_config, trained, tmp_path, capsys):
    pair = f'{tiny_config}={trained}'
    main(
        [
            pair,
            pair,
            '--images',
            '3',
            '--device',
            'cpu',
            '--json',
            str(tmp_path / 'rows.json'),
            '--cfg-options',
            'model.test_cfg.rcnn.score_thr=0.0',
        ]
    )
    printed = capsys.readouterr().out
    assert printed.count('| tiny_efpn (weights) | ') == 2
    assert '3 images of the test set' in printed
    first, second = json.loads((tmp_path / 'rows.json').read_text())
    assert first['detections'] == second['detections'] > 0
    assert first['seconds'] > 0


def test_refuses_what_is_no_pair_and_weights_of_another_model(tiny_config, tmp_path, capsys):
    empty = tmp_path / 'empty.pth'
    torch.save(dict(state_dict={}), empty)
    for argument, message in (
        (str(tiny_config), 'is not CONFIG=CHECKPOINT'),
        (f'{tiny_config}={tmp_path}/none.pth', f'checkpoint not found: {tmp_path}/none.pth'),
        (f'{tmp_path}/none.py={empty}', f'config not found: {tmp_path}/none.py'),
        (f'{tiny_config}={empty}', 'empty.pth lacks '),
    ):
        with pytest.raises(SystemExit) as end:
            main([argument])
        assert end.value.code == 2
        assert message in capsys.readouterr().err
