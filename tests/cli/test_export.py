"""The command export."""

import json

import torch

from mmdet_efpn.cli.export import FORMATS
from mmdet_efpn.export import SUFFIXES


def test_a_packed_model(tiny_config, trained, command, tmp_path):
    packed, out = tmp_path / 'model.pth', tmp_path / 'model.ts'
    assert command('pack', tiny_config, trained, packed)[0] == 0
    words = ['export', packed, '--format', 'torchscript', '--normalise', '--out', out]
    code, said, error = command(*words)
    assert code == 0, error
    assert 'float32, BGR, 0 to 255' in said
    assert f'written: {out}' in said
    extra = {'mmdet_efpn': ''}
    boxes, scores, labels, numbers = torch.jit.load(str(out), _extra_files=extra)(
        torch.rand(1, 3, 80, 70) * 255
    )
    assert boxes.shape == (len(scores), 4)
    assert len(labels) == len(numbers) == len(scores)
    facts = json.loads(extra['mmdet_efpn'])
    assert facts['classes'] == ['square', 'bar']
    assert facts['inside'] is True
    assert facts['resize'] == [dict(type='Resize', scale=[64, 64], keep_ratio=True)]
    code, _, error = command(*words)
    assert code == 2
    assert 'exists; --overwrite replaces it' in error


def test_mistakes_are_one_line(tiny_config, trained, command, tmp_path):
    code, _, error = command('export', tiny_config, '--out', tmp_path / 'a.onnx')
    assert code == 2
    assert 'its weights are missing' in error
    code, _, error = command('export', tiny_config, trained, '--out', tmp_path / 'a.pth')
    assert code == 2
    assert 'ends in .onnx' in error
    assert error.count('\n') == 1


def test_formats_are_the_packages():
    assert set(FORMATS) == set(SUFFIXES)
