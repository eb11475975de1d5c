"""Dense against sparse on an image: equal detections, the whole command, and what it refuses."""

import json

import pytest
import torch

from benchmarks.sparse_detections import DetectionSubject, assert_same_detections, main

OPTIONS = {'model.neck.sparse_tile': 8, 'model.test_cfg.rcnn.score_thr': 0.0}


def subject(tiny_config, trained, tiny_coco, form, **changes):
    return DetectionSubject(
        **dict(
            dict(
                name=form,
                config=str(tiny_config),
                checkpoint=trained,
                image=str(tiny_coco / 'images/0.png'),
                height=96,
                width=128,
                proposals=7,
                form=form,
                options=OPTIONS,
            ),
            **changes,
        )
    )


def test_both_forms_find_the_same(tiny_config, trained, tiny_coco):
    pair = [subject(tiny_config, trained, tiny_coco, form) for form in ('dense', 'sparse')]
    image = pair[0].images('cpu')
    assert image.shape == (1, 3, 96, 96)
    assert image.std() > 0.1
    assert assert_same_detections(pair, 'cpu') > 0
    small = pair[0].build().small_proposals(image)
    assert 0 < small <= 7


def test_a_difference_is_found(tiny_config, trained, tiny_coco, monkeypatch):
    build = DetectionSubject.build

    def changed(one):
        steps = build(one)
        if one.form == 'sparse':
            with torch.no_grad():
                steps.detector.neck.extension.output_conv.conv.weight *= 5
        return steps

    monkeypatch.setattr(DetectionSubject, 'build', changed)
    pair = [subject(tiny_config, trained, tiny_coco, form) for form in ('dense', 'sparse')]
    with pytest.raises(AssertionError, match='dense and sparse differ in'):
        assert_same_detections(pair, 'cpu')


def test_command(tiny_config, trained, tiny_coco, tmp_path, capsys, monkeypatch):
    # The fresh processes of the real one take seconds each; tests of the cost tool run them.
    monkeypatch.setattr(
        'mmdet_efpn.evaluation.cost.comparison.peak_memory',
        lambda subject, device, passes, amp: dict.fromkeys(passes, 2**20),
    )
    main(
        [
            str(tiny_config),
            trained,
            str(tiny_coco / 'images/1.png'),
            '--sizes',
            '128x128',
            '--proposals',
            '1',
            '50',
            '--repeats',
            '1',
            '--device',
            'cpu',
            '--json',
            str(tmp_path / 'rows.json'),
            '--cfg-options',
            'model.neck.sparse_tile=8',
            'model.test_cfg.rcnn.score_thr=0.0',
        ]
    )
    printed = capsys.readouterr().out
    assert '1.png, at most 50 proposals: ' in printed
    assert '| 1 proposals, sparse ' in printed
    rows = json.loads((tmp_path / 'rows.json').read_text())
    assert [row['name'] for row in rows] == [
        f'{number} proposals, {form}' for number in (1, 50) for form in ('dense', 'sparse')
    ]
    assert rows[1]['macs'] < rows[0]['macs']
    assert all(row['forward_seconds'] > 0 for row in rows)
    assert rows[0]['small_proposals'] <= 1
    assert rows[2]['detections'] > 0


def test_refuses_missing_files_and_other_weights(tiny_config, tiny_coco, tmp_path, capsys):
    image = str(tiny_coco / 'images/0.png')
    with pytest.raises(SystemExit):
        main([str(tiny_config), str(tmp_path / 'none.pth'), image])
    assert f'not found: {tmp_path / "none.pth"}' in capsys.readouterr().err
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(SystemExit) as end:
        main([str(tiny_config), str(tmp_path / 'empty.pth'), image])
    assert end.value.code == 2
    assert 'empty.pth does not fit' in capsys.readouterr().err
