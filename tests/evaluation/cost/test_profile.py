"""Where the time goes: a trace worked out by hand, a real one, and the command."""

import json

import pytest
import torch
from torch import nn

from mmdet_efpn.evaluation.cost.profile import (
    STRIDES,
    Spot,
    by_module,
    median_of,
    modules_table,
    profile,
    spots_table,
    stride_of,
)
from mmdet_efpn.evaluation.cost.trace import read_trace
from mmdet_efpn.visualization import draw_times


def span(name, start, length, category='cpu_op', thread=1, **args):
    return {
        'ph': 'X',
        'cat': category,
        'name': name,
        'ts': start,
        'dur': length,
        'tid': thread,
        'args': {key.replace('_', ' '): value for key, value in args.items()},
    }


MAP, WEIGHT = [2, 8, 64, 64], [4, 8, 1, 1]
CONV = dict(Input_Dims=[MAP, WEIGHT], Input_type=['c10::BFloat16', 'c10::BFloat16'])
TRACE = [
    {'ph': 'M', 'name': 'process_name'},
    span('module: neck', 0, 100, 'user_annotation', External_id=1),
    span('module: neck.conv', 10, 60, 'user_annotation', External_id=2),
    span('aten::conv2d', 12, 50, External_id=3, Sequence_number=7, **CONV),
    span('aten::mkldnn_convolution', 20, 40, External_id=4, Sequence_number=7, **CONV),
    span('aten::add', 75, 20, External_id=5, Input_Dims=[MAP, MAP], Input_type=['float', 'float']),
    # on autograd's own thread
    span(
        'autograd::engine::evaluate_function: ConvolutionBackward0',
        200,
        90,
        thread=2,
        External_id=6,
        Sequence_number=7,
    ),
    span('aten::convolution_backward', 205, 80, thread=2, External_id=7, **CONV),
]


def test_own_times_and_modules_on_the_cpu():
    found = {(one.name, one.module): one.milliseconds for one in read_trace(TRACE, 'module: ')}
    assert found == {
        ('conv2d', 'neck.conv'): pytest.approx(0.010),  # 50 without the 40 inside it
        ('mkldnn_convolution', 'neck.conv'): pytest.approx(0.040),
        ('add', 'neck'): pytest.approx(0.020),
        ('evaluate_function: ConvolutionBackward0', 'neck.conv'): pytest.approx(0.010),
        ('convolution_backward', 'neck.conv'): pytest.approx(0.080),
    }


def test_on_a_gpu_kernels_count():
    kernels = [
        span('implicit_gemm', 500, 300, 'kernel', thread=9, External_id=4),
        span('split_k', 800, 100, 'kernel', thread=9, External_id=4),
        span('dgrad', 900, 700, 'kernel', thread=9, External_id=7),
    ]
    forward, backward = read_trace([*TRACE, *kernels], 'module: ')
    assert (forward.name, forward.module, forward.calls) == ('mkldnn_convolution', 'neck.conv', 2)
    assert forward.milliseconds == pytest.approx(0.4)
    assert forward.inputs == [(tuple(MAP), 'bfloat16'), (tuple(WEIGHT), 'bfloat16')]
    assert (backward.name, backward.module) == ('convolution_backward', 'neck.conv')
    assert backward.milliseconds == pytest.approx(0.7)


@pytest.mark.parametrize(
    ('shape', 'stride'),
    [
        ((1, 64, 400, 672), 2),
        ((1, 200, 336, 128), 4),  # channels last
        ((1, 64, 200, 2, 336, 2), 2),
        ((1, 256, 13, 21), 64),
        ((64, 3, 7, 7), None),
        ((256, 64), None),
    ],
)
def test_stride_of_a_shape(shape, stride):
    assert stride_of(shape, (800, 1344)) == stride


class Net(nn.Module):
    """A conv at stride 2 and one at stride 4; what both give is squared."""

    def __init__(self):
        super().__init__()
        self.fine = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.coarse = nn.Conv2d(16, 16, 3, stride=2, padding=1)

    def forward(self, images):
        return self.coarse(self.fine(images)).square()


def test_a_real_pass_names_modules_shapes_and_types():
    net, images = Net(), torch.randn(1, 3, 128, 192)

    def run():
        with torch.autocast('cpu', torch.bfloat16):
            out = net(images)
        out.float().sum().backward()

    spots = profile(run, net, (128, 192))
    assert sum(spot.share for spot in spots) == pytest.approx(1)
    assert spots == sorted(spots, key=lambda spot: -spot.milliseconds)
    convs = {
        (spot.module, spot.stride): spot for spot in spots if spot.operation == 'convolution_backward'
    }
    assert set(convs) == {('coarse', 2), ('fine', 1)}
    assert convs['coarse', 2].shape == (1, 16, 64, 96)
    assert convs['coarse', 2].dtype == 'bfloat16'
    assert convs['coarse', 2].calls == 1
    squares = [spot for spot in spots if spot.operation == 'pow']
    assert {(spot.module, spot.stride) for spot in squares} == {('', 4)}
    assert not net.fine._forward_hooks  # the marks are gone


SPOTS = [
    Spot('neck.extension.ftt.head', 'mkldnn_convolution', (1, 8, 40, 60), 'bfloat16', 4, 6.0, 0.6),
    Spot('neck.extension.ftt.tail', 'copy_', (1, 8, 80, 120), 'float32', 2, 2.0, 0.2),
    Spot('backbone.layer1.0.conv1', 'add', (1, 8, 20, 30), 'bfloat16', 8, 1.5, 0.15),
    Spot('', 'sum', (), '', None, 0.5, 0.05),
]


def test_tables_of_spots():
    parts = by_module(SPOTS)
    assert list(parts) == ['neck.extension.ftt', 'backbone.layer1', 'loss']
    assert parts['neck.extension.ftt'] == dict(zip(STRIDES, (2.0, 6.0, 0, 0), strict=True))
    lines = spots_table(SPOTS, most=2).splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        '| neck.extension.ftt.head | mkldnn_convolution | 1x8x40x60 | bfloat16 | 4 | 6.00 | 60.0% |'
    )
    assert modules_table(SPOTS, most=1).splitlines()[-1] == '| all | 2.0 | 6.0 | 1.5 | 0.5 | 10.0 |'


def test_medians_of_rounds():
    def spot(name, milliseconds):
        return Spot('neck', name, (1, 8, 4, 4), 'float32', 4, milliseconds, calls=1)

    rounds = [[spot('add', 1.0), spot('relu', 5.0)], [spot('add', 9.0)], [spot('add', 3.0)]]
    add, relu = median_of(rounds)
    assert (add.operation, add.milliseconds, add.share) == ('add', 3.0, 1.0)
    assert (relu.operation, relu.milliseconds, relu.calls) == ('relu', 0.0, 0)
    assert rounds[0][0].milliseconds == 1.0


def test_bars_add_up_and_the_rest_shares_one():
    figure = draw_times({'net, forward': by_module(SPOTS)}, most=2)
    (panel,) = figure.axes
    assert [label.get_text() for label in panel.get_yticklabels()] == ['neck.extension.ftt', '2 others']
    assert sum(bar.get_width() for bar in panel.patches) == pytest.approx(10)
    assert '10 ms' in panel.get_title('right')


def test_command_prints_traffic_and_profile(tiny_config, tmp_path, command):
    words = ['--sizes', '64x96', '--device', 'cpu', '--no-time', '--repeats', '1']
    figures, picture = tmp_path / 'cost.json', tmp_path / 'profile.png'
    code, said, _ = command(
        'cost', '--amp', tiny_config, *words, '--profile', '--json', figures, '--out', picture
    )
    assert code == 0
    assert '| module' in said
    assert '| moved (GB)' in said
    assert 'bfloat16 autocast' in said
    (row,) = json.loads(figures.read_text())['rows']
    moved = row['traffic']
    assert moved['forward_backward']['bytes'] > 2 * moved['forward']['bytes'] > 0
    assert sum(moved['forward']['by_operation'].values()) == moved['forward']['bytes']
    assert sum(spot['share'] for spot in row['profile']['forward']) == pytest.approx(1)
    assert picture.read_bytes().startswith(b'\x89PNG')
    code, _, error = command('cost', tiny_config, *words, '--out', tmp_path / 'other.png')
    assert code == 2
    assert 'add --profile' in error
    code, _, error = command('cost', tiny_config, *words, '--profile', '--out', picture)
    assert '--overwrite' in error


@pytest.mark.parametrize(
    ('words', 'settled'),
    [
        (['--amp', 'a.py'], ['--amp=auto', 'a.py']),
        (['a.py', '--amp', 'float16'], ['a.py', '--amp=float16']),
        (['--amp', 'mmdet::x'], ['--amp=auto', 'mmdet::x']),
        (['a.py', '--amp', '--no-time'], ['a.py', '--amp', '--no-time']),
        (['a.py', '--amp'], ['a.py', '--amp']),
        (['a.py', '--amp', 'bf16'], ['a.py', '--amp', 'bf16']),
    ],
)
def test_a_config_behind_amp_is_no_type(words, settled):
    from mmdet_efpn.cli.options import with_amp_settled

    assert with_amp_settled(words) == settled


def test_another_type_is_named(tiny_config, command):
    code, _, error = command('cost', tiny_config, '--amp', 'bf16')
    assert code == 2
    assert "invalid choice: 'bf16'" in error
