"""The attention benchmark at tiny sizes: its plain form, its assertion and its tables."""

import json
import pickle

import pytest
import torch

from benchmarks import attention as benchmark
from benchmarks.attention_plain import plain_ocab, plain_window_attention, table_index
from mmdet_efpn.evaluation.cost import comparison as cost
from mmdet_efpn.models.layers import OCAB, WindowAttention

TINY = dict(embed_dims=60, depth=2, num_heads=3, window_size=4)
OPTIONS = [f'--{name.replace("_", "-")}={value}' for name, value in TINY.items()]


def pair(**changes) -> tuple:
    return tuple(
        benchmark.GroupSubject(name, 8, 12, name == 'plain', group=TINY, **changes)
        for name in ('plain', 'RHAG')
    )


@pytest.mark.parametrize('dtype', ['float32', 'bfloat16'])
def test_both_forms_are_equal(dtype):
    benchmark.assert_equal(pair(dtype=dtype), 'cpu')


@pytest.mark.parametrize(
    'part',
    [
        'attn.relative_position_bias_table',
        'attn.qkv.weight',
        'mlp.fc2.bias',
        'overlap_attn.relative_position_bias_table',
    ],
)
def test_a_difference_is_found_and_named(part, monkeypatch):
    build = benchmark.GroupSubject.build

    def changed(subject):
        model = build(subject)
        if not subject.plain:
            with torch.no_grad():
                values = next(p for name, p in model.named_parameters() if name.endswith(part))
                values.view(-1)[3] += 1
        return model

    monkeypatch.setattr(benchmark.GroupSubject, 'build', changed)
    with pytest.raises(AssertionError, match='plain and RHAG differ in'):
        benchmark.assert_equal(pair(), 'cpu')


def test_the_plain_form_by_hand():
    """One head, one channel, a window of 1 x 1 beside a window of two cells: worked on paper."""
    attention = WindowAttention(1, 2, 1)
    for parameter in attention.parameters():
        torch.nn.init.ones_(parameter)
    for name in ('qkv.bias', 'proj.bias', 'relative_position_bias_table'):
        torch.nn.init.zeros_(attention.get_parameter(name))
    index = table_index(attention)
    assert index.shape == (4, 4)
    assert index.diagonal().tolist() == [4] * 4
    assert index[0].tolist() == [4, 3, 1, 0]
    assert index[3].tolist() == [8, 7, 5, 4]
    attention.register_buffer('index', index)
    # One token of 1 among zeros: it weighs e against three times 1 for itself, 1/4 for the others.
    x = torch.zeros(1, 2, 2, 1)
    x[0, 0, 1] = 1
    e = torch.e
    expected = torch.tensor([[1 / 4, e / (e + 3)], [1 / 4, 1 / 4]])
    torch.testing.assert_close(plain_window_attention(attention, x, 0)[0, ..., 0], expected)
    # With a shift of 1 every cell of a 2 x 2 map is a region of its own.
    torch.testing.assert_close(plain_window_attention(attention, x, 1), x)
    overlapping = OCAB(1, 1, 2, 1)
    index = table_index(overlapping)
    assert index.shape == (4, 16)
    assert index[0, 0] == -6
    assert index[3, 0] == -12
    overlapping.register_buffer('index', index)
    assert plain_ocab(overlapping, torch.rand(1, 4, 2, 1)).shape == (1, 4, 2, 1)


def test_rows_go_to_a_fresh_process():
    assert pickle.loads(pickle.dumps(pair())) == pair()


def test_whole_command(tmp_path, capsys, monkeypatch):
    # The fresh processes of the real one take seconds each; tests of the cost tool run them.
    monkeypatch.setattr(
        cost,
        'peak_memory',
        lambda subject, device, passes, amp: dict(
            forward=2**20 if subject.plain else 2**18, forward_backward=2**20
        ),
    )
    out = tmp_path / 'attention.json'
    benchmark.main(
        [
            *OPTIONS,
            '--sizes',
            '8x12',
            '--scaling',
            '8x8',
            '16x16',
            '--devices',
            'cpu',
            '--repeats',
            '1',
            '--json',
            str(out),
        ]
    )
    printed = capsys.readouterr().out
    compared, scaling = json.loads(out.read_text())['results']
    plain, ours = compared['rows']
    assert (plain['name'], ours['name']) == ('plain', 'RHAG')
    assert plain['parameters'] == ours['parameters']
    assert ours['macs'] < plain['macs']  # nothing is masked, so nothing is computed in vain
    assert all(
        row[key] > 0 for row in (plain, ours) for key in ('forward_seconds', 'forward_backward_seconds')
    )
    gain = plain['forward_seconds'] / ours['forward_seconds']
    assert f'forward_seconds {gain:.2f} (aim 1.5)' in printed
    assert 'forward_bytes 4.00 (aim 3), forward_backward_bytes 1.00 (aim 2)' in printed
    lines = [line for line in printed.splitlines() if line.startswith('|')]
    assert len(lines) == 8
    assert len({line.count('|') for line in lines}) == 1
    assert [row['name'] for row in scaling['rows']] == ['RHAG, 1.00x cells', 'RHAG, 4.00x cells']
    assert scaling['rows'][1]['macs'] > 3.5 * scaling['rows'][0]['macs']


def test_refuses_maps_of_broken_windows(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(['--sizes', '112x170'])
    assert 'whole windows of 16, not 112x170' in capsys.readouterr().err
