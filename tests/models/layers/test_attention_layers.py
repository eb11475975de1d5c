"""The attention layers against their plain formulas in float64."""

import plain_formulas as plain
import pytest
import torch
from mmdet.registry import MODELS

from mmdet_efpn.models.layers import SwinGroup, attention, map_attention
from mmdet_efpn.models.layers.windows import segments

RHAG = dict(type='RHAG', embed_dims=6, depth=2, num_heads=3, window_size=4, squeeze_factor=2)
SIZES = [(8, 12), (7, 9), (3, 2), (1, 1), (4, 5), (2, 11)]  # the window is 4


def build(seed: int = 0, **cfg) -> torch.nn.Module:
    """A layer in float64 whose parameters, biases and norms included, are all random."""
    torch.manual_seed(seed)
    layer = MODELS.build(cfg).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(0.5 * torch.randn_like(parameter))
    return layer


def window_attention(heads: int = 3) -> torch.nn.Module:
    return build(type='WindowAttention', embed_dims=6, window_size=4, num_heads=heads)


def ocab(**kwargs) -> torch.nn.Module:
    return build(**dict(dict(type='OCAB', embed_dims=6, num_heads=3, window_size=4), **kwargs))


def hab(shift_size: int = 2, **kwargs) -> torch.nn.Module:
    return build(
        type='HAB',
        embed_dims=6,
        num_heads=3,
        window_size=4,
        shift_size=shift_size,
        squeeze_factor=2,
        conv_scale=0.3,
        **kwargs,
    )


def rhag(**kwargs) -> torch.nn.Module:
    return build(**{**RHAG, 'conv_scale': 0.3, **kwargs})


def swin_group(seed: int = 0, **kwargs) -> torch.nn.Module:
    torch.manual_seed(seed)
    group = SwinGroup(**dict(dict(embed_dims=6, depth=3, num_heads=3, window_size=4), **kwargs)).double()
    with torch.no_grad():
        for parameter in group.parameters():
            parameter.copy_(0.5 * torch.randn_like(parameter))
    return group


def random_map(size, channels: int = 6, batch: int = 2) -> torch.Tensor:
    generator = torch.Generator().manual_seed(size[0] * 100 + size[1])
    return torch.randn(batch, *size, channels, generator=generator, dtype=torch.float64)


def set_fused(module: torch.nn.Module, fused: bool) -> torch.nn.Module:
    layers = [layer for layer in module.modules() if hasattr(layer, 'fused')]
    assert layers
    for layer in layers:
        layer.fused = fused
    return module


def assert_close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize('fused', [True, False], ids=['fused', 'plain'])
@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('shift', [0, 1, 2, 3])
def test_window_attention_equals_its_formula(size, shift, fused):
    for heads in (1, 3):
        layer = set_fused(window_attention(heads), fused)
        x = random_map(size)
        expected = [plain.window_attention(layer.state_dict(), one, 4, heads, shift) for one in x]
        assert_close(layer(x, shift), torch.stack(expected))


@pytest.mark.parametrize('fused', [True, False], ids=['fused', 'plain'])
@pytest.mark.parametrize(
    ('window', 'ratio', 'overlap', 'heads'), [(4, 0.5, 2, 3), (2, 1, 2, 1), (4, 1.5, 6, 2), (3, 0, 0, 3)]
)
def test_ocab_equals_a_loop_over_windows(window, ratio, overlap, heads, fused):
    layer = set_fused(ocab(window_size=window, overlap_ratio=ratio, num_heads=heads), fused)
    for size in SIZES:
        x = random_map(size, batch=1)
        assert_close(layer(x)[0], plain.ocab(layer.state_dict(), x[0], window, overlap, heads))


@pytest.mark.parametrize('size', SIZES)
def test_hybrid_blocks_and_groups_equal_their_formulas(size):
    x = random_map(size)
    for shift in (0, 2):
        layer = hab(shift)
        expected = [plain.hab(layer.state_dict(), one, 4, 3, shift, 0.3) for one in x]
        assert_close(layer(x), torch.stack(expected))
    group = rhag()
    expected = torch.stack([plain.rhag(group.state_dict(), one, 2, 4, 2, 3, 0.3) for one in x])
    assert_close(group(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), expected)


@pytest.mark.parametrize('size', SIZES)
def test_swin_groups_equal_their_formula(size):
    for heads, depth in ((3, 3), (2, 2)):
        group, x = swin_group(num_heads=heads, depth=depth), random_map(size)
        expected = torch.stack([plain.swin_group(group.state_dict(), one, depth, 4, heads) for one in x])
        assert_close(group(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), expected)


@pytest.mark.parametrize('layer', [swin_group, rhag], ids=lambda build: build.__name__)
def test_stochastic_depth_leaves_branches_out_by_sample(layer):
    """Of one block with a rate of a half: each branch is doubled or left out, all four ways."""
    group = layer(depth=1, drop_path=0.5).train()
    block = (group if layer is swin_group else group.residual_group).blocks[0]
    x = random_map((4, 4), batch=1)
    convolved = (
        block.conv_scale * block.conv_block(block.norm1(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        if layer is rhag
        else 0
    )
    ways = []
    for attention_kept in (0, 2):
        between = x + attention_kept * block.attn(block.norm1(x), block.shift_size) + convolved
        ways += [between + kept * block.mlp(block.norm2(between)) for kept in (0, 2)]
    out = block(x.expand(64, -1, -1, -1))
    counts = [int(torch.isclose(out, way).flatten(1).all(1).sum()) for way in ways]
    assert sum(counts) == 64
    assert min(counts) > 4


def test_cab_equals_its_formula():
    layer = build(type='CAB', embed_dims=6, compress_ratio=3, squeeze_factor=2)
    x = random_map((5, 7))
    expected = torch.stack([plain.cab(layer.state_dict(), one) for one in x])
    assert_close(layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), expected)


@pytest.mark.parametrize('size', [(4, 6), (5, 7), (1, 1)])
def test_patch_merging_equals_its_formula(size):
    layer, x = build(type='PatchMerging', embed_dims=6), random_map(size)
    weights, out = layer.state_dict(), layer(x)
    assert out.shape == (2, (size[0] + 1) // 2, (size[1] + 1) // 2, 12)
    zero = torch.zeros(6, dtype=torch.float64)
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            places = [(2 * i + dy, 2 * j + dx) for dy, dx in ((0, 0), (1, 0), (0, 1), (1, 1))]
            neighbours = torch.cat(
                [x[0, y, x_] if y < size[0] and x_ < size[1] else zero for y, x_ in places]
            )
            merged = weights['reduction.weight'] @ plain.layer_norm(weights, 'norm', neighbours)
            assert_close(out[0, i, j], merged)


def test_downsampling_group_ends_with_patch_merging():
    group, x = rhag(downsample=True), random_map((7, 9)).permute(0, 3, 1, 2)
    plain_group = rhag()
    plain_group.load_state_dict(
        {name: value for name, value in group.state_dict().items() if 'downsample' not in name}
    )
    merged = group.downsample(plain_group(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    assert group(x).shape == (2, 12, 4, 5)
    assert_close(group(x), merged)


@pytest.mark.parametrize('size', [(8, 8), (9, 7), (3, 6)])
@pytest.mark.parametrize('shift', [0, 1, 2])
def test_tokens_attend_within_their_region_alone(size, shift):
    """Which token depends on which, read off the gradients, against a labelling cell by cell."""
    layer, (height, width) = window_attention(), size
    labels = plain.regions(-(-height // 4) * 4, -(-width // 4) * 4, 4, shift)[:height, :width]
    x = random_map(size, batch=1).requires_grad_()
    out = layer(x, shift)[0].sum(-1)
    for y in range(height):
        for x_ in range(width):
            (gradient,) = torch.autograd.grad(out[y, x_], x, retain_graph=True)
            assert torch.equal(gradient[0].abs().sum(-1) > 0, labels == labels[y, x_])


@pytest.mark.parametrize(
    ('length', 'window', 'shift', 'expected'),
    [
        (16, 8, 0, [(0, 8, 2)]),
        (16, 8, 4, [(0, 4, 1), (4, 8, 1), (12, 4, 1)]),
        (3, 8, 4, [(0, 3, 1)]),
        (5, 8, 4, [(0, 4, 1), (4, 1, 1)]),
        (7, 8, 0, [(0, 7, 1)]),
    ],
)
def test_segments_worked_by_hand(length, window, shift, expected):
    assert [tuple(segment) for segment in segments(length, window, shift)] == expected


@pytest.mark.parametrize(
    ('most', 'rows', 'columns'),
    [
        (None, [(0, 4, 3)], [(0, 4, 5)]),
        (4, [(0, 4, 1), (4, 4, 1), (8, 4, 1)], [(0, 4, 2), (8, 4, 2), (16, 4, 1)]),
        (1, [(0, 4, 1), (4, 4, 1), (8, 4, 1)], [(4 * i, 4, 1) for i in range(5)]),
        (20, [(0, 4, 2), (8, 4, 1)], [(0, 4, 5)]),
    ],
)
def test_windows_at_a_time_worked_by_hand(most, rows, columns):
    grid = map_attention._grid(torch.empty(2, 12, 20, 3, 1, 1), 4, 0, most)
    assert [[tuple(segment) for segment in cut] for cut in grid] == [rows, columns]


@pytest.mark.parametrize('layer', [window_attention, ocab, hab], ids=lambda build: build.__name__)
def test_what_surrounds_the_map_in_memory_is_not_read(layer):
    """There is no padding in these layers; the formulas above pad with NaN and mask it."""
    layer, x = layer(), random_map((6, 9))
    for filling in (torch.nan, 1e9):
        surrounded = torch.full((2, 20, 20, 6), filling, dtype=torch.float64)
        surrounded[:, 5:11, 3:12] = x
        assert_close(layer(surrounded[:, 5:11, 3:12]), layer(x))


@pytest.mark.parametrize('layer', [hab, ocab], ids=lambda build: build.__name__)
@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
@pytest.mark.parametrize('chunk', [1, 500, 2**21])
def test_fused_and_plain_path_agree_in_value_and_gradient(layer, training, chunk, monkeypatch):
    monkeypatch.setattr(attention, 'CPU_CHUNK', chunk)
    layer, x = layer().train(training), random_map((9, 13))
    results = []
    for fused in (True, False):
        x = x.detach().requires_grad_()
        out = set_fused(layer, fused)(x)
        gradients = torch.autograd.grad(out.square().sum(), [x, *layer.parameters()])
        results.append([out, *gradients])
    for fused, plainly in zip(*results, strict=True):
        assert_close(fused, plainly)
    with torch.no_grad():
        assert_close(set_fused(layer, True)(x), results[1][0])


@pytest.mark.parametrize('chunk', [1, 2**21])
def test_gradients_by_finite_differences(chunk, monkeypatch):
    monkeypatch.setattr(attention, 'CPU_CHUNK', chunk)
    layers = [
        build(
            type='HAB',
            embed_dims=4,
            num_heads=2,
            window_size=2,
            shift_size=1,
            compress_ratio=2,
            squeeze_factor=1,
            conv_scale=0.3,
        ),
        build(type='OCAB', embed_dims=4, num_heads=2, window_size=2, overlap_ratio=1),
    ]
    for layer in layers:
        names = [name for name, _ in layer.named_parameters() if 'attn' in name or layer is layers[1]]

        def run(x, *values, layer=layer, names=names):
            return torch.func.functional_call(layer, dict(zip(names, values, strict=True)), x)

        values = [dict(layer.named_parameters())[name].detach().requires_grad_() for name in names]
        x = random_map((3, 4), channels=4, batch=1).requires_grad_()
        assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)


def test_state_dict_has_the_published_names():
    linear_norm = ('weight', 'bias')
    expected = {f'conv.{end}' for end in linear_norm}
    for block in (0, 1):
        prefix = f'residual_group.blocks.{block}'
        expected.add(f'{prefix}.attn.relative_position_bias_table')
        expected |= {
            f'{prefix}.{name}.{end}'
            for end in linear_norm
            for name in (
                'norm1',
                'attn.qkv',
                'attn.proj',
                'conv_block.cab.0',
                'conv_block.cab.2',
                'conv_block.cab.3.attention.1',
                'conv_block.cab.3.attention.3',
                'norm2',
                'mlp.fc1',
                'mlp.fc2',
            )
        }
    prefix = 'residual_group.overlap_attn'
    expected.add(f'{prefix}.relative_position_bias_table')
    expected |= {
        f'{prefix}.{name}.{end}'
        for end in linear_norm
        for name in ('norm1', 'qkv', 'proj', 'norm2', 'mlp.fc1', 'mlp.fc2')
    }
    assert set(rhag().state_dict()) == expected


def test_published_size_has_the_published_shapes():
    group = MODELS.build(dict(type='RHAG', embed_dims=180, depth=1, num_heads=6, window_size=16))
    shapes = {name: tuple(value.shape) for name, value in group.state_dict().items()}
    block, overlap = 'residual_group.blocks.0', 'residual_group.overlap_attn'
    assert shapes[f'{block}.attn.relative_position_bias_table'] == (31**2, 6)
    assert shapes[f'{block}.attn.qkv.weight'] == (540, 180)
    assert shapes[f'{block}.conv_block.cab.0.weight'] == (60, 180, 3, 3)
    assert shapes[f'{block}.conv_block.cab.3.attention.1.weight'] == (6, 180, 1, 1)
    assert shapes[f'{block}.mlp.fc1.weight'] == (360, 180)
    assert shapes[f'{overlap}.relative_position_bias_table'] == (39**2, 6)
    assert shapes['conv.weight'] == (180, 180, 3, 3)


@pytest.mark.parametrize(
    ('cfg', 'message'),
    [
        (
            dict(type='WindowAttention', embed_dims=6, window_size=4, num_heads=4),
            'multiple of num_heads',
        ),
        (dict(type='WindowAttention', embed_dims=6, window_size=0, num_heads=3), 'window_size'),
        (dict(type='OCAB', embed_dims=6, num_heads=3, window_size=5, overlap_ratio=0.7), 'must be even'),
        (
            dict(type='HAB', embed_dims=6, num_heads=3, window_size=4, shift_size=4, squeeze_factor=2),
            'shift_size',
        ),
        (dict(type='CAB', embed_dims=6, squeeze_factor=7), 'squeeze_factor'),
        (
            dict(
                type='RHAG',
                embed_dims=6,
                depth=2,
                num_heads=3,
                window_size=4,
                squeeze_factor=2,
                drop_path=[0.1],
            ),
            'drop_path',
        ),
        (dict(RHAG, drop_path=2), r'RHAG: drop_path must be at least 0 and less than 1, got 2'),
        (dict(RHAG, drop_path=-0.1), r'drop_path .* got -0\.1'),
        (dict(RHAG, depth=0), 'RHAG: depth must be a positive integer, got 0'),
        (dict(RHAG, window_size=0), 'RHAG: window_size must be a positive integer, got 0'),
        (dict(RHAG, window_size='4'), r"window_size must be a positive integer, got '4'"),
        (dict(RHAG, embed_dims=12.0), r'embed_dims must be a positive integer, got 12\.0'),
        (dict(RHAG, mlp_ratio=0), r'mlp_ratio must leave the MLP a channel, got 0 for embed_dims=6'),
    ],
)
def test_refuses_numbers_that_do_not_fit(cfg, message):
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)


@pytest.mark.parametrize('shift', [-1, 4, 5])
def test_refuses_a_shift_outside_the_window(shift):
    with pytest.raises(ValueError, match=f'shift must be from 0 to window_size - 1, got {shift} for'):
        window_attention()(random_map((8, 8)), shift)


@pytest.mark.parametrize(
    ('layer', 'shape'),
    [
        (window_attention, (0, 5, 7, 6)),
        (window_attention, (2, 0, 7, 6)),
        (ocab, (0, 5, 7, 6)),
        (ocab, (2, 5, 0, 6)),
        (hab, (0, 5, 7, 6)),
    ],
)
def test_a_map_without_cells_stays_one(layer, shape):
    layer, x = layer(), torch.zeros(shape, dtype=torch.float64, requires_grad=True)
    out = layer(x)
    assert out.shape == shape
    out.sum().backward()
    assert x.grad.shape == shape
