"""SwinFTT and HATFTT: their frame, their start, loading of HAT groups, modes of running."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS

from mmdet_efpn.models import FTT, HATFTT
from mmdet_efpn.models.layers import RHAG, SwinGroup

SIZES = [(8, 12), (7, 9), (2, 2), (1, 1), (1, 6)]
VARIANTS = {
    'SwinFTT': dict(type='SwinFTT', embed_dims=12, num_heads=3, window_size=4),
    'HATFTT': dict(type='HATFTT', embed_dims=12, num_heads=3, window_size=4, squeeze_factor=2),
}


def maps(size, dtype=torch.float64, channels=8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(size[0] * 100 + size[1])
    half = [(side + 1) // 2 for side in size]
    return (
        torch.randn(2, channels, *size, generator=generator, dtype=dtype),
        torch.randn(2, channels, *half, generator=generator, dtype=dtype),
    )


def nearest_by_hand(p3: torch.Tensor, p2: torch.Tensor) -> torch.Tensor:
    doubled = p3.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return doubled[:, :, : p2.shape[2], : p2.shape[3]]


@pytest.fixture(params=VARIANTS)
def cfg(request) -> dict:
    torch.manual_seed(0)
    return dict(VARIANTS[request.param], channels=8)


@pytest.fixture
def ftt(cfg) -> torch.nn.Module:
    return MODELS.build(cfg).double()


@pytest.mark.parametrize('size', SIZES)
def test_equals_its_formula(ftt, size):
    """``tail(Et(P2 || up2(Ec(P3))) + up2(Ec(P3))) + P3 upsampled``; the groups have their own tests."""
    w, (p2, p3) = ftt.state_dict(), maps(size)

    def conv(name, x):
        return F.conv2d(x, w[f'{name}.weight'], w[f'{name}.bias'], padding=1)

    content = conv('upsample.0', ftt.content[0](conv('content_conv', p3)))
    doubled = content.new_zeros(2, 12, 2 * p3.shape[2], 2 * p3.shape[3])
    for dy in range(2):
        for dx in range(2):
            doubled[:, :, dy::2, dx::2] = content[:, 2 * dy + dx :: 4]
    content = doubled[:, :, : size[0], : size[1]]
    texture = ftt.texture[0](conv('texture_conv', torch.cat([p2, content], 1)))
    expected = conv('tail', texture + content) + nearest_by_hand(p3, p2)
    torch.testing.assert_close(ftt(p2, p3), expected, rtol=1e-10, atol=1e-12)


def test_every_parameter_is_trained_and_saved(ftt):
    assert set(ftt.state_dict()) == {name for name, _ in ftt.named_parameters()}
    ftt(*maps((8, 12))).square().mean().backward()
    for name, parameter in ftt.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize('initialised_by', ['constructor', 'neck'])
def test_starts_as_the_upsampled_p3_with_a_small_residual(cfg, initialised_by):
    """Also when the neck's own initialisation has gone over all convs."""
    cfg = dict(cfg)
    channels = cfg.pop('channels')
    if initialised_by == 'constructor':
        ftt = MODELS.build(dict(cfg, channels=channels))
    else:
        neck = MODELS.build(
            dict(type='EFPN', in_channels=[4, 4, 8, 16, 32], out_channels=channels, num_outs=6, ftt=cfg)
        )
        neck.init_weights()
        ftt = neck.extension.ftt
    for scale in (0.1, 1.0, 10.0):
        p2, p3 = (scale * level for level in maps((16, 24), torch.float32))
        residual = ftt(p2, p3) - nearest_by_hand(p3, p2)
        assert 0 < residual.std() < 0.03 * p3.std(), scale


def test_a_conv_ftt_starts_with_a_larger_residual():
    """The bound above is not met by just any FTT."""
    torch.manual_seed(0)
    p2, p3 = maps((16, 24), torch.float32)
    residual = FTT(8, 12)(p2, p3) - nearest_by_hand(p3, p2)
    assert residual.std() > 0.06 * p3.std()


def test_depths_and_heads_in_all_their_forms(cfg):
    ftt = MODELS.build(dict(cfg, depths=(1, (2, 1)), num_heads=(2, (3, 4)), drop_path_rate=0.3))
    group = {'SwinFTT': SwinGroup, 'HATFTT': RHAG}[cfg['type']]
    assert all(isinstance(one, group) for one in ftt.groups())
    blocks = [one.blocks if group is SwinGroup else one.residual_group.blocks for one in ftt.groups()]
    assert [len(some) for some in blocks] == [1, 2, 1]
    assert [some[0].attn.num_heads for some in blocks] == [2, 3, 4]
    flat = [block for some in blocks for block in some]
    rates = [getattr(block.drop_path, 'drop_prob', 0.0) for block in flat]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.3])
    assert [block.shift_size for block in flat] == [0, 0, 2, 0]
    p2, p3 = maps((7, 9), torch.float32)
    assert ftt(p2, p3).shape == p2.shape


@pytest.mark.parametrize(
    'bad',
    [
        dict(depths=(2, 2, 2)),
        dict(depths=(2, 0)),
        dict(depths=(2, ())),
        dict(num_heads=(3, (3, 3))),
        dict(num_heads=5),
        dict(embed_dims=0),
        dict(embed_dims=12.0),
        dict(channels=0),
        dict(depths=2),
        dict(drop_path_rate=1),
        dict(drop_path_rate=-0.1),
        dict(window_size=0),
        dict(mlp_ratio=0),
    ],
)
def test_refuses_numbers_that_do_not_fit(cfg, bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        MODELS.build(dict(cfg, **bad))


def test_checkpointing_changes_nothing(cfg):
    inputs, results = maps((8, 12), torch.float32), []
    for with_cp in (False, True):
        torch.manual_seed(0)
        ftt = MODELS.build(dict(cfg, with_cp=with_cp))
        out = ftt(*inputs)
        out.square().mean().backward()
        results.append([out] + [p.grad for p in ftt.parameters()])
    for plain, checkpointed in zip(*results, strict=True):
        assert torch.equal(plain, checkpointed)


def test_checkpointing_keeps_less_for_the_backward_pass(cfg):
    inputs, kept = maps((16, 16), torch.float32), []
    for with_cp in (False, True):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
        ):
            MODELS.build(dict(cfg, with_cp=with_cp))(*inputs)
        kept.append(sum(sizes))
    assert kept[1] < 0.7 * kept[0]


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_autocast_stays_near_float32(ftt, dtype):
    """What is added to the upsampled P3, with a last conv that is not near zero."""
    ftt = ftt.float()
    torch.nn.init.kaiming_normal_(ftt.tail.weight)
    p2, p3 = inputs = maps((8, 12), torch.float32)
    exact = ftt(*inputs) - nearest_by_hand(p3, p2)
    with torch.autocast('cpu', dtype=dtype):
        rough = ftt(*inputs) - nearest_by_hand(p3, p2)
    assert exact.std() > 0.3
    torch.testing.assert_close(rough.float(), exact, rtol=0.05, atol=0.05 * exact.abs().max().item())


def test_channels_last_changes_nothing(ftt):
    p2, p3 = maps((7, 9))
    last = [level.contiguous(memory_format=torch.channels_last) for level in (p2, p3)]
    torch.testing.assert_close(ftt(*last), ftt(p2, p3))


def test_exports(ftt):
    ftt = ftt.float().eval()
    example = maps((7, 9), torch.float32)
    with torch.no_grad():
        exported = torch.export.export(ftt, example).module()
        other = tuple(2 * level for level in example)
        torch.testing.assert_close(exported(*other), ftt(*other))


def hat_checkpoint(path, key: str | None) -> list[RHAG]:
    """Writes a file in the form of a HAT checkpoint with three groups, which it returns."""
    groups = [RHAG(12, 2, 3, 4, squeeze_factor=2) for _ in range(3)]
    weights = {
        f'layers.{number}.{name}': value
        for number, group in enumerate(groups)
        for name, value in group.state_dict().items()
    }
    weights['conv_first.weight'] = torch.zeros(12, 3, 3, 3)
    torch.save(weights if key is None else {key: weights}, path)
    return groups


@pytest.mark.parametrize('key', ['params_ema', 'params', 'state_dict', None])
@pytest.mark.parametrize('numbers', [None, [2, 0]])
def test_starts_from_groups_of_a_hat_checkpoint(tmp_path, key, numbers):
    torch.manual_seed(0)
    groups = hat_checkpoint(tmp_path / 'hat.pth', key)
    init_cfg = dict(type='HATPretrained', checkpoint=str(tmp_path / 'hat.pth'))
    if numbers is not None:
        init_cfg['groups'] = numbers
    neck = MODELS.build(
        dict(
            type='EFPN',
            in_channels=[4, 4, 8, 16, 32],
            out_channels=8,
            num_outs=6,
            ftt=dict(VARIANTS['HATFTT'], init_cfg=init_cfg),
        )
    )
    neck.init_weights()
    ftt = neck.extension.ftt
    for loaded, number in zip(ftt.groups(), numbers or [0, 1], strict=True):
        expected = groups[number].state_dict()
        assert loaded.state_dict().keys() == expected.keys()
        for name, value in loaded.state_dict().items():
            assert torch.equal(value, expected[name]), name
    x = torch.randn(1, 12, 9, 7)
    assert torch.equal(ftt.texture[0](x), groups[(numbers or [0, 1])[1]](x))
    p2, p3 = maps((8, 12), torch.float32)
    assert (ftt(p2, p3) - nearest_by_hand(p3, p2)).std() < 0.03 * p3.std()


def test_says_what_is_wrong_with_a_hat_checkpoint(tmp_path):
    hat_checkpoint(tmp_path / 'hat.pth', 'params_ema')

    def start(ftt=None, **init_cfg):
        init_cfg = dict(type='HATPretrained', checkpoint=str(tmp_path / 'hat.pth'), **init_cfg)
        MODELS.build(dict(ftt or VARIANTS['HATFTT'], channels=8, init_cfg=init_cfg)).init_weights()

    with pytest.raises(ValueError, match=r'must name 2 groups.*\[0\]'):
        start(groups=[0])
    with pytest.raises(ValueError, match='no group 3'):
        start(groups=[0, 3])
    with pytest.raises(ValueError, match='window_size=4, but the FTT 8'):
        start(dict(VARIANTS['HATFTT'], window_size=8))
    with pytest.raises(TypeError, match='SwinFTT'):
        start(VARIANTS['SwinFTT'])


def test_released_hat_factors_are_the_defaults():
    block = HATFTT(16).texture[0].residual_group.blocks[0]
    assert block.conv_scale == 0.01
    assert block.mlp.fc1.out_features == 2 * 96
    assert block.conv_block.cab[0].out_channels == 96 // 3
    assert block.conv_block.cab[3].attention[1].out_channels == 96 // 30
