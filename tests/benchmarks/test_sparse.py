"""The benchmark of P2' on tiles: equal results, and the whole command."""

import json

import pytest
import torch

from benchmarks.sparse import FORMS, SparseSubject, main


def test_whole_and_on_tiles_pool_the_same(tiny_config):
    options = {'model.neck.sparse_tile': 16}
    pooled = [SparseSubject('', str(tiny_config), 192, 160, 5, form, options) for form in FORMS]
    with torch.no_grad():
        dense, sparse, on_rois = (subject.build().eval()(subject.images('cpu')) for subject in pooled)
    assert dense.shape == (5, 16, 7, 7)
    assert dense.std() > 0.01
    torch.testing.assert_close(sparse, dense, rtol=1e-4, atol=1e-5)
    assert on_rois.shape == dense.shape
    assert 0.3 < on_rois.std() / dense.std() < 3
    assert not torch.allclose(on_rois, dense, rtol=1e-2, atol=1e-2)


def test_rois_are_small_and_in_the_image(tiny_config):
    boxes = SparseSubject('', str(tiny_config), 100, 200, 50, 'sparse').boxes()
    sides = boxes[:, 3:] - boxes[:, 1:3]
    assert (sides >= 8).all()
    assert (sides < 56).all()
    assert boxes.min() >= 0
    assert (boxes[:, 3] <= 200).all()
    assert (boxes[:, 4] <= 100).all()


def test_command(tiny_config, tmp_path, capsys, monkeypatch):
    # The fresh processes of the real one take seconds each; tests of the cost tool run them.
    monkeypatch.setattr(
        'mmdet_efpn.evaluation.cost.comparison.peak_memory',
        lambda subject, device, passes, amp: dict.fromkeys(passes, 2**20),
    )
    main(
        [
            str(tiny_config),
            '--sizes',
            '128x192',
            '--rois',
            '1',
            '--repeats',
            '1',
            '--device',
            'cpu',
            '--json',
            str(tmp_path / 'rows.json'),
            '--cfg-options',
            'model.neck.sparse_tile=16',
        ]
    )
    printed = capsys.readouterr().out
    for form in FORMS:
        assert f'| 1 RoIs, {form} ' in printed
    assert '| 128x192 |' in printed
    assert 'backward' not in printed
    dense, sparse, on_rois = json.loads((tmp_path / 'rows.json').read_text())
    assert 0 < sparse['macs'] < dense['macs']
    assert 0 < on_rois['macs'] < dense['macs']
    assert sparse['forward_seconds'] > 0
    assert sparse['forward_bytes'] > 0


def test_refuses_no_rois(tiny_config, capsys):
    with pytest.raises(SystemExit):
        main([str(tiny_config), '--rois', '0'])
    assert '--rois and --repeats must be at least 1' in capsys.readouterr().err
