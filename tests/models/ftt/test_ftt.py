"""FTT, PointwiseFTT and LightFTT against their formulas, written out plainly in float64."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch import Tensor

from mmdet_efpn.models import FTT, BaseFTT, LightFTT, PointwiseFTT

SIZES = [(8, 12), (7, 9), (2, 2), (1, 1), (1, 6)]


def maps(channels: int, size: tuple[int, int], dtype=torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(size[0] * 100 + size[1])
    half = [(side + 1) // 2 for side in size]
    return (
        torch.randn(2, channels, *size, generator=generator, dtype=dtype),
        torch.randn(2, channels, *half, generator=generator, dtype=dtype),
    )


def pixel_shuffle_by_hand(x: Tensor) -> Tensor:
    batch, channels, height, width = x.shape
    shuffled = x.new_zeros(batch, channels // 4, 2 * height, 2 * width)
    for dy in range(2):
        for dx in range(2):
            shuffled[:, :, dy::2, dx::2] = x[:, 2 * dy + dx :: 4]
    return shuffled


def nearest_by_hand(x: Tensor, size) -> Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, :, : size[0], : size[1]]


def released_formula(w: dict, p2: Tensor, p3: Tensor) -> Tensor:
    """The released model's FTT; ``w`` is the state dict."""

    def conv(name, x):
        return F.conv2d(x, w[f'{name}.weight'], w[f'{name}.bias'], padding=1)

    def leaky(x):
        return torch.where(x > 0, x, 0.1 * x)

    def block(name, x):
        return (x + conv(f'{name}.conv2', conv(f'{name}.conv1', x).clamp(min=0))).clamp(min=0)

    size = p2.shape[2:]
    content = leaky(conv('content_conv.0', p3))
    content = content + block('content_block', content)
    content = leaky(pixel_shuffle_by_hand(conv('upsample.0', content)))[:, :, : size[0], : size[1]]
    texture = leaky(conv('texture.0.0', torch.cat([p2, content], 1)))
    texture = block('texture.2', block('texture.1', texture))
    tail = conv('tail.1', leaky(conv('tail.0.0', texture + content)))
    return tail + nearest_by_hand(p3, size)


def pointwise_formula(w: dict, p2: Tensor, p3: Tensor) -> Tensor:
    """The FTT of 1x1 convs as matrix products over channels; ``w`` is the state dict."""

    def product(name, x):
        return torch.einsum('oc,bchw->bohw', w[f'{name}.weight'][:, :, 0, 0], x)

    def three_rounds(name, x):
        for _ in range(3):
            x = product(f'{name}.conv1', x).clamp(min=0)
            x = product(f'{name}.conv2', x).clamp(min=0)
        return x

    content = pixel_shuffle_by_hand(three_rounds('content', product('content_conv', p3)))
    content = content[:, :, : p2.shape[2], : p2.shape[3]]
    texture = three_rounds('texture', torch.cat([p2, content], 1))
    return product('texture_conv', texture).clamp(min=0) + content


def light_formula(w: dict, p2: Tensor, p3: Tensor) -> Tensor:
    """The FTT of ConvNeXt blocks, written out; ``w`` is the state dict."""

    def product(name, x):
        weight = w[f'{name}.weight'].flatten(1)
        return torch.einsum('oc,bchw->bohw', weight, x) + w[f'{name}.bias'][:, None, None]

    def depthwise(name, x):
        weight, bias = w[f'{name}.weight'], w[f'{name}.bias']
        reach, (height, width) = weight.shape[-1] // 2, x.shape[2:]
        padded = F.pad(x, (reach,) * 4)
        return bias[:, None, None] + sum(
            weight[:, 0, i, j, None, None] * padded[:, :, i : i + height, j : j + width]
            for i in range(2 * reach + 1)
            for j in range(2 * reach + 1)
        )

    def norm(name, x):
        centred = x - x.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt()
        return scaled * w[f'{name}.weight'][:, None, None] + w[f'{name}.bias'][:, None, None]

    def blocks(name, x):
        for i in range(len([key for key in w if key.startswith(name + '.') and 'fc1.w' in key])):
            inner = product(
                f'{name}.{i}.mlp.fc1', norm(f'{name}.{i}.norm', depthwise(f'{name}.{i}.conv_dw', x))
            )
            inner = 0.5 * inner * (1 + torch.erf(inner / 2**0.5))
            x = x + product(f'{name}.{i}.mlp.fc2', inner)
        return x

    size = p2.shape[2:]
    content = blocks('content', product('content_conv', p3))
    content = pixel_shuffle_by_hand(product('upsample.0', content))
    content = content[:, :, : size[0], : size[1]]
    texture = blocks('texture', product('texture_conv', torch.cat([p2, content], 1)))
    return product('tail', texture + content) + nearest_by_hand(p3, size)


VARIANTS = {
    'FTT': (dict(type='FTT', hidden_channels=6), released_formula),
    'PointwiseFTT': (dict(type='PointwiseFTT'), pointwise_formula),
    'LightFTT': (
        dict(type='LightFTT', hidden_channels=6, content_blocks=2, texture_blocks=2, kernel_size=7),
        light_formula,
    ),
    'LightFTT as it comes': (dict(type='LightFTT'), light_formula),
}


@pytest.fixture(params=VARIANTS)
def variant(request):
    """An FTT of 8 channels in float64 and its formula."""
    torch.manual_seed(0)
    cfg, formula = VARIANTS[request.param]
    return MODELS.build(dict(cfg, channels=8)).double(), formula


@pytest.mark.parametrize('size', SIZES)
def test_equals_its_formula(variant, size):
    ftt, formula = variant
    p2, p3 = maps(8, size)
    p3_prime = ftt(p2, p3)
    assert p3_prime.shape == p2.shape
    torch.testing.assert_close(p3_prime, formula(ftt.state_dict(), p2, p3), rtol=1e-10, atol=1e-12)


def test_every_parameter_is_trained_and_saved(variant):
    ftt, _ = variant
    before = {name: value.clone() for name, value in ftt.state_dict().items()}
    parameters = dict(ftt.named_parameters())
    assert set(before) == set(parameters)
    optimizer = torch.optim.SGD(ftt.parameters(), lr=0.1)
    ftt(*maps(8, (8, 12))).square().mean().backward()
    for name, parameter in parameters.items():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name
    optimizer.step()
    for name, value in ftt.state_dict().items():
        assert not torch.equal(value, before[name]), name


def test_is_the_same_function_at_every_call(variant):
    ftt, _ = variant
    p2, p3 = maps(8, (6, 6))
    assert torch.equal(ftt(p2, p3), ftt(p2, p3))


def test_gradients_reach_both_inputs(variant):
    ftt, _ = variant
    p2, p3 = (level.requires_grad_() for level in maps(8, (6, 6)))
    ftt(p2, p3).square().sum().backward()
    assert p2.grad.abs().sum() > 0
    assert p3.grad.abs().sum() > 0


def test_bfloat16_autocast_stays_near_float32(variant):
    ftt = variant[0].float()
    p2, p3 = maps(8, (8, 12), torch.float32)
    exact = ftt(p2, p3)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rough = ftt(p2, p3)
    torch.testing.assert_close(rough.float(), exact, rtol=0.05, atol=0.05 * exact.abs().max().item())


def test_parameter_counts_worked_by_hand():
    channels, hidden = 8, 6
    block = 2 * (9 * hidden * hidden + hidden)
    by_hand = (
        (9 * channels * hidden + hidden)
        + block
        + (9 * hidden * 4 * hidden + 4 * hidden)
        + (9 * (hidden + channels) * hidden + hidden)
        + 2 * block
        + (9 * hidden * hidden + hidden)
        + (9 * hidden * channels + channels)
    )
    assert sum(p.numel() for p in FTT(channels, hidden).parameters()) == by_hand
    by_hand = (
        channels * 4 * channels
        + 2 * (4 * channels) ** 2
        + 2 * (2 * channels) ** 2
        + 2 * channels * channels
    )
    assert sum(p.numel() for p in PointwiseFTT(channels).parameters()) == by_hand


@pytest.mark.parametrize(
    'cfg',
    [
        *(cfg for cfg, _ in VARIANTS.values()),
        dict(type='LightFTT', hidden_channels=6, kernel_size=3, content_blocks=1, texture_blocks=3),
    ],
    ids=str,
)
def test_reads_no_further_than_its_halo_and_that_far(cfg):
    torch.manual_seed(0)
    ftt = MODELS.build(dict(cfg, channels=8)).double()
    p2, p3 = (level.requires_grad_() for level in maps(8, (80, 80)))
    reached = torch.zeros(80, dtype=torch.bool)
    for row in (40, 41):  # either half of a cell of P3
        ftt(p2, p3)[0, :, row, 40].sum().backward()
        rows_of_p3 = p3.grad[0].abs().sum((0, 2)).repeat_interleave(2)
        rows = ((p2.grad[0].abs().sum((0, 2)) + rows_of_p3) > 0).nonzero()
        assert rows.min() >= row - ftt.halo
        assert rows.max() <= row + ftt.halo
        reached[abs(rows - row)] = True
        p2.grad = p3.grad = None
    assert reached[ftt.halo]


def test_scales_at_initialisation():
    """Nothing inside LightFTT starts louder than its input, and its residual is what was asked for."""
    torch.manual_seed(0)
    p2, p3 = torch.randn(1, 64, 64, 64), torch.randn(1, 64, 32, 32)
    residual = {}
    for asked in (1, 0.01):
        ftt = LightFTT(64, initial_residual=asked)
        ftt.init_weights()
        with torch.no_grad():
            residual[asked] = (ftt(p2, p3) - nearest_by_hand(p3, (64, 64))).std().item()
    assert 0.7 < residual[1] < 3
    assert residual[0.01] == pytest.approx(residual[1] / 100, rel=0.1)


@pytest.mark.parametrize(
    ('bad', 'message'),
    [
        (dict(kernel_size=4), 'kernel_size must be odd, got 4'),
        (dict(texture_blocks=0), 'texture_blocks must be a positive integer, got 0'),
        (dict(hidden_channels=True), 'hidden_channels must be a positive integer, got True'),
        (dict(mlp_ratio='2'), "mlp_ratio must be a positive number, got '2'"),
        (dict(mlp_ratio=float('inf')), 'mlp_ratio must be a positive number, got inf'),
        (dict(initial_residual=0), 'initial_residual must be a positive number, got 0'),
    ],
)
def test_light_refuses_numbers_that_build_no_blocks(bad, message):
    with pytest.raises(ValueError, match=message):
        LightFTT(8, **bad)


def test_default_widths():
    assert FTT(256).content_conv[0].out_channels == 512  # the released model's
    assert LightFTT(256).tail.in_channels == 128
    assert LightFTT(1).tail.in_channels == 1


def test_refuses_maps_that_are_not_an_octave_apart(variant):
    ftt, _ = variant
    p2, p3 = maps(8, (8, 12))
    with pytest.raises(ValueError, match=r'needs p3 of half the size of p2.*\(4, 6\).*\(8, 12\)'):
        ftt(p2, p2)
    with pytest.raises(ValueError, match=r'neck\.out_channels'):
        ftt(p2[:, :4], p3)


@pytest.mark.parametrize('bad', [0, -1, 2.5, None])
def test_refuses_bad_widths(bad):
    with pytest.raises(ValueError, match='hidden_channels'):
        FTT(8, bad)
    with pytest.raises(ValueError, match='channels'):
        PointwiseFTT(bad)


def test_base_class_is_a_contract():
    class KeepsP3(BaseFTT):
        def transfer(self, p2, p3):
            return p3

    with pytest.raises(ValueError, match=r"KeepsP3\.transfer gave \(2, 8, 4, 6\), but P3' must"):
        KeepsP3(8)(*maps(8, (8, 12)))
    with pytest.raises(TypeError, match='abstract'):
        BaseFTT(8)
