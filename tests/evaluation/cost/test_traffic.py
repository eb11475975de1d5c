"""Bytes, kernels and peak memory against numbers worked out by hand."""

import copy

import pytest
import torch
from torch import nn

from mmdet_efpn.evaluation.cost import compare, traffic_of, traffic_table
from mmdet_efpn.utils.errors import UserError

SHAPE = (2, 3, 16, 24)
CELLS = 2 * 16 * 24
FPN = 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'
LIGHT = 'configs/coco/faster-rcnn_r50_efpn-light_1x_coco.py'


def small_net():
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(8, 4, 1))


WEIGHTS = 3 * 8 * 9 + 8 * 4 + 4


def test_forward_of_two_convs_by_hand():
    found = traffic_of(small_net(), SHAPE)
    # images and weights in, 8 maps out; the same through ReLU; 8 maps in, 4 out
    maps = CELLS * (3 + 8 + 8 + 8 + 8 + 4)
    assert found.bytes == 4 * (maps + WEIGHTS)
    assert found.kernels == 3
    assert found.float32_map_bytes == found.fine_float32_bytes == 4 * maps
    # ReLU's input and output are held at once
    assert found.peak_bytes == 4 * CELLS * (8 + 8)
    assert found.by_operation == dict(
        convolution=4 * (CELLS * (3 + 8 + 8 + 4) + WEIGHTS), relu=4 * CELLS * (8 + 8)
    )


def test_autocast_halves_the_maps_and_pays_for_the_copies():
    found = traffic_of(small_net(), SHAPE, amp='bfloat16')
    maps = CELLS * (3 + 8 + 8 + 8 + 8 + 4)
    copies = (4 + 2) * (CELLS * 3 + WEIGHTS)  # images, two weights and a bias: read in 4, written in 2
    assert found.bytes == 2 * (maps + WEIGHTS) + copies
    assert found.kernels == 3 + 4
    assert found.float32_map_bytes == 4 * CELLS * 3  # the images alone


def test_a_training_pass_by_hand():
    found = traffic_of(small_net(), SHAPE, backward=True)
    forward = CELLS * (3 + 8 + 8 + 8 + 8 + 4) + WEIGHTS
    outs = CELLS * 4
    total = outs + 1  # the sum of the outputs; `stack` copies it, and the last sum reads it
    total += (1 + 1) + (1 + 1) + (1 + 1)  # stack, sum, and `ones_like`, which makes its gradient
    second = (
        outs + 8 * CELLS + 8 * 4 + (8 * CELLS + 8 * 4 + 4)
    )  # gradient, input, weight; three gradients
    relu = 3 * 8 * CELLS  # gradient and output in, gradient out
    first = 8 * CELLS + 3 * CELLS + 3 * 8 * 9 + 3 * 8 * 9  # images need no gradient
    assert found.bytes == 4 * (forward + total + second + relu + first)
    assert found.by_operation['convolution_backward'] == 4 * (second + first)
    assert found.by_operation['threshold_backward'] == 4 * relu


def test_views_and_memory_nobody_wrote_count_nothing():
    class Views(nn.Module):
        def forward(self, images):
            cut = images.view(2, 3, 4, 4, 24).permute(0, 2, 1, 3, 4)[:, 1:]
            torch.empty(1000)
            return cut.transpose(0, 1).squeeze(0)

    assert traffic_of(Views(), SHAPE).bytes == traffic_of(Views(), SHAPE).kernels == 0

    class Copies(Views):
        def forward(self, images):
            return super().forward(images).contiguous()

    found = traffic_of(Copies(), SHAPE)
    assert found.bytes == 2 * 4 * CELLS * 3 * 3 // 4
    assert found.kernels == 1


@pytest.mark.parametrize(
    ('cut', 'is_fine'),
    [
        (lambda maps: maps, True),
        (lambda maps: maps.permute(0, 2, 3, 1), True),  # channels last
        (lambda maps: maps.flatten(2).mT, True),  # tokens
        (lambda maps: maps.view(2, 3, 8, 2, 12, 2), True),  # cut into squares
        (lambda maps: maps[:, :, ::4, ::4], True),  # stride 4
        (lambda maps: maps[:, :, ::8, ::8], False),
    ],
)
def test_which_maps_are_of_stride_four_or_finer(cut, is_fine):
    class Doubles(nn.Module):
        def forward(self, images):
            return cut(images) * 2

    found = traffic_of(Doubles(), SHAPE)
    assert found.float32_map_bytes == found.bytes
    assert found.fine_float32_bytes == (found.bytes if is_fine else 0)


def test_the_model_stays_as_it_was():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    before = copy.deepcopy(model.state_dict())
    traffic_of(model, SHAPE, backward=True)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_steps_that_need_values_run_for_real():
    class Chooses(nn.Sequential):
        def forward(self, images):
            return super().forward(images if images.sum().item() < 1e9 else -images)

    found, plain = (traffic_of(kind(*small_net()), SHAPE) for kind in (Chooses, nn.Sequential))
    assert found.bytes == plain.bytes + 4 * (CELLS * 3 + 1)  # what the sum reads and writes


class Norm(nn.Module):
    """Layer norm, which autocast leaves in 16 bits on the CPU and runs in float32 on a GPU."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 1, bias=False), nn.LayerNorm(24, elementwise_affine=False)

    def forward(self, images):
        return self.norm(self.conv(images))


def test_autocast_as_on_a_gpu_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    on_cpu, on_gpu = (
        traffic_of(Norm(), SHAPE, 'bfloat16', device=device).float32_map_bytes
        for device in ('cpu', 'cuda')
    )
    statistics = 2 * 2 * 8 * 16  # mean and deviation of each row, on the GPU
    assert on_gpu - on_cpu == 4 * (3 * CELLS * 8 + statistics)  # the copy; in and out of the norm
    assert not torch.is_autocast_enabled('cuda')
    with pytest.raises(UserError, match='only where there is one'):
        traffic_of(Norm(), SHAPE, 'bfloat16', backward=True, device='cuda')

    class Chooses(Norm):
        def forward(self, images):
            return super().forward(images if images.sum().item() < 1e9 else -images)

    with pytest.raises(UserError, match='has to run for real'):
        traffic_of(Chooses(), SHAPE, 'bfloat16', device='cuda')


def test_another_type_is_an_error():
    with pytest.raises(UserError, match="bfloat16, float16, or None, but it is 'int8'"):
        traffic_of(small_net(), SHAPE, amp='int8')


class Subject:
    """A model that fails on purpose, or not."""

    name, config, height, width = 'net', 'net.py', 16, 24

    def __init__(self, fails):
        self.fails = fails

    def build(self):
        class Net(nn.Sequential):
            def forward(net, images):
                if self.fails and images.device.type != 'meta':
                    raise NotImplementedError('no kernel on this device\nand where')
                return super().forward(images)

        return Net(*small_net())

    def images(self, device):
        return torch.zeros(SHAPE, device=device)


def test_a_model_without_its_kernels_is_noted_and_stops_no_other():
    failing, counted = compare([Subject(True), Subject(False)], 'cpu', 1, timed=False, traffic=True)
    assert failing['traffic'] == {}
    assert failing['note'] == 'traffic not counted: no kernel on this device'
    assert counted['note'] == ''
    table = traffic_table([failing, counted]).splitlines()
    assert len(table) == 4  # heading, rule, two passes of one model
    assert table[2].count('(1.00x)') == 3


@pytest.mark.parametrize(
    ('backward', 'device', 'fpn', 'float32', 'most'),
    [
        (False, None, 8.04, 0.03, 1.25),
        (True, None, 14.54, 0.03, 1.35),
        (False, 'cuda', 8.60, 0.58, 1.19),
    ],
    ids=['forward', 'training', 'forward as on a GPU'],
)
def test_light_beside_fpn(backward, device, fpn, float32, most, repository, monkeypatch):
    """GB at 800x1344 in a batch of two; ``most`` is how many times FPN's the light form may move."""
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    shape = (2, 3, 800, 1344)
    plain = traffic_of(FPN, shape, 'bfloat16', backward, device)
    light = traffic_of(repository / LIGHT, shape, 'bfloat16', backward, device)
    assert plain.bytes / 1e9 == pytest.approx(fpn, abs=0.01)
    assert plain.fine_float32_bytes / 1e9 == pytest.approx(float32, abs=0.005)
    assert light.fine_float32_bytes <= plain.fine_float32_bytes
    assert light.bytes / plain.bytes < most
