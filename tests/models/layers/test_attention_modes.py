"""Caching, low precision, checkpointing, compilation and memory formats of the attention layers."""

import pytest
import torch
import torch.nn.functional as F
from mmdet.registry import MODELS
from torch.utils._python_dispatch import TorchDispatchMode

from mmdet_efpn.models.layers.position_bias import CACHED_BIASES, RelativePositionBias

gpu = pytest.mark.gpu


@pytest.fixture
def group() -> torch.nn.Module:
    """A group whose biases count: at their start they hardly do."""
    torch.manual_seed(0)
    group = MODELS.build(
        dict(
            type='RHAG',
            embed_dims=12,
            depth=2,
            num_heads=3,
            window_size=4,
            squeeze_factor=3,
            conv_scale=0.3,
        )
    )
    for module in group.modules():
        if isinstance(module, RelativePositionBias):
            torch.nn.init.normal_(module.relative_position_bias_table)
    return group


@pytest.fixture
def gathered(monkeypatch) -> list:
    """What was gathered from bias tables: (module, size of the queries), call by call."""
    calls, gather = [], RelativePositionBias._gather

    def counting(self, queries, keys):
        calls.append((self, queries))
        return gather(self, queries, keys)

    monkeypatch.setattr(RelativePositionBias, '_gather', counting)
    return calls


def x_of(height: int, width: int, dtype=torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.randn(2, 12, height, width, generator=generator).to(dtype)


@torch.no_grad()
def test_evaluation_gathers_each_bias_once(group, gathered):
    group.eval()
    first = group(x_of(9, 12))
    assert len(gathered) == len(set(gathered)) > 0
    gathered.clear()
    assert torch.equal(group(x_of(9, 12)), first)
    assert not gathered
    other = group(x_of(6, 11))  # another size: other windows at the border
    assert gathered
    gathered.clear()
    group.eval()  # forgets
    assert torch.equal(group(x_of(6, 11)), other)
    assert gathered


@torch.no_grad()
def test_evaluation_gathers_whole_windows_once_for_all_sizes(group, gathered):
    group.eval()
    generator = torch.Generator().manual_seed(0)
    for height, width in torch.randint(5, 30, (40, 2), generator=generator).tolist():
        group(x_of(height, width))
    whole = [module for module, queries in gathered if queries == (4, 4)]
    assert len(whole) == len(set(whole)) == 3
    assert len(gathered) > CACHED_BIASES  # so many sizes at the borders that some had to go


def test_training_gathers_once_for_each_size_of_windows(group, gathered):
    group(x_of(9, 12))
    assert len(gathered) == len(set(gathered))


CHANGES = [
    'in_place',
    'load_state_dict',
    'assigned',
    'assigned_twice',
    'replaced',
    'replaced_twice',
    'parametrized',
    'data_and_eval',
]


@pytest.mark.parametrize('change', CHANGES)
@torch.no_grad()
def test_evaluation_sees_a_changed_table(group, change):
    group.eval()
    x = x_of(8, 8)
    before = group(x)
    attn = group.residual_group.overlap_attn
    new = torch.randn_like(attn.relative_position_bias_table)

    def load(table, **kwargs):
        attn.load_state_dict(dict(attn.state_dict(), relative_position_bias_table=table), **kwargs)

    if change == 'parametrized':
        torch.nn.utils.parametrize.register_parametrization(
            attn, 'relative_position_bias_table', torch.nn.Identity()
        )
        assert torch.equal(group.eval()(x), before)
        attn.parametrizations.relative_position_bias_table.original.copy_(new)
    elif change == 'in_place':
        attn.relative_position_bias_table.copy_(new)
    elif change == 'load_state_dict':
        load(new)
    elif change.startswith('assigned'):
        for _ in range(1 + change.endswith('twice')):  # the second may get the first one's memory
            load(new.clone(), assign=True)
    elif change.startswith('replaced'):
        for _ in range(1 + change.endswith('twice')):
            attn.relative_position_bias_table.data = new.clone()
    else:  # as hooks that swap in averaged weights do, before they set evaluation mode
        attn.relative_position_bias_table.data.copy_(new)
        group.eval()
    after = group(x)
    assert not torch.allclose(after, before, atol=1e-5)
    assert torch.equal(after, group.eval()(x))


def test_evaluation_trains_an_unfrozen_table_and_mixes_with_inference_mode(group):
    group.eval()
    x, table = x_of(8, 8), group.residual_group.overlap_attn.relative_position_bias_table
    with torch.inference_mode():
        expected = group(x)
    out = group(x)
    out.sum().backward()
    assert table.grad.abs().sum() > 0
    torch.testing.assert_close(out, expected)
    group.requires_grad_(False)
    group(x.requires_grad_()).sum().backward()
    assert x.grad.abs().sum() > 0


def test_a_table_made_in_inference_mode_may_change_in_place():
    with torch.inference_mode():
        attn = MODELS.build(
            dict(type='WindowAttention', embed_dims=12, window_size=4, num_heads=3)
        ).eval()
        x = x_of(8, 8).permute(0, 2, 3, 1)
        before = attn(x)
        attn.relative_position_bias_table.normal_()
        after = attn(x)
        assert not torch.allclose(after, before, atol=1e-5)
        assert torch.equal(after, attn.eval()(x))


class NothingOnTheCPU(TorchDispatchMode):
    """Fails where an operation gives a tensor on the CPU."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        results = function(*args, **(kwargs or {}))
        for result in results if isinstance(results, (list, tuple)) else [results]:
            assert not isinstance(result, torch.Tensor) or result.device.type != 'cpu', function
        return results


def test_nothing_is_made_on_the_cpu_for_another_device(group):
    group.to('meta')
    x = torch.empty(2, 12, 9, 13, device='meta', requires_grad=True)
    with NothingOnTheCPU():
        group(x).sum().backward()
        with torch.no_grad():
            group.eval()(x)
    with pytest.raises(AssertionError), NothingOnTheCPU():
        torch.ones(1)


@torch.no_grad()
def test_cache_stays_small_and_out_of_the_state_dict(group):
    names = set(group.state_dict())
    group.eval()
    for side in range(1, 12):
        group(x_of(side, 12 - side))
    assert set(group.state_dict()) == names
    for module in group.modules():
        if isinstance(module, RelativePositionBias):
            assert 0 < len(module._cached_biases) <= CACHED_BIASES
    group.train()
    assert not any(
        module._cached_biases for module in group.modules() if isinstance(module, RelativePositionBias)
    )


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
def test_autocast_stays_near_float32(group, dtype, training):
    group.train(training)
    x = x_of(9, 13)
    results = []
    for enabled in (False, True):
        group.zero_grad()
        with torch.autocast('cpu', dtype=dtype, enabled=enabled):
            out = group(x)
        out.float().square().mean().backward()
        results.append([out.float()] + [p.grad.clone() for p in group.parameters()])
        with torch.no_grad(), torch.autocast('cpu', dtype=dtype, enabled=enabled):
            results[-1].append(group(x).float())
    for exact, rough in zip(*results, strict=True):
        assert rough.dtype == torch.float32
        torch.testing.assert_close(rough, exact, rtol=0.05, atol=0.05 * exact.abs().max().item())


def test_checkpointing_changes_nothing(group):
    x, results = x_of(9, 13), []
    for with_cp in (False, True):
        group.residual_group.with_cp = with_cp
        group.zero_grad()
        out = group(x)
        out.square().mean().backward()
        results.append([out] + [p.grad.clone() for p in group.parameters()])
    for plain, checkpointed in zip(*results, strict=True):
        assert torch.equal(plain, checkpointed)


def test_checkpointing_keeps_less_for_the_backward_pass(group):
    x, kept = x_of(16, 16), []
    for with_cp in (False, True):
        group.residual_group.with_cp = with_cp
        sizes = []

        def note(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            group(x)
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2


def test_training_keeps_no_attention_weights(group):
    """What the fused path keeps does not grow with the number of keys a query has."""
    largest = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: largest.append(tensor.numel()) or tensor, lambda tensor: tensor
    ):
        group(x_of(32, 32))
    weights = 2 * 3 * 32 * 32 * 16  # of one block: batch, heads, tokens, keys
    assert max(largest) < weights


def test_training_hands_the_fused_kernel_a_bias_without_gradient(group, monkeypatch):
    """With any other, torch takes the plain formula on the CPU."""
    biases, fused = [], F.scaled_dot_product_attention

    def noting(*args, attn_mask, **kwargs):
        biases.append(attn_mask)
        return fused(*args, attn_mask=attn_mask, **kwargs)

    monkeypatch.setattr(F, 'scaled_dot_product_attention', noting)
    group(x_of(9, 13))
    assert biases
    assert not any(bias.requires_grad for bias in biases)


def test_channels_last_changes_nothing(group):
    x = x_of(9, 13)
    last = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(group(last), group(x))
    torch.testing.assert_close(
        group.to(memory_format=torch.channels_last)(last), group(x), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize('training', [True, False], ids=['train', 'eval'])
def test_blocks_compile_without_a_graph_break_at_any_size(group, training):
    for block in (group.residual_group.blocks[1], group.residual_group.overlap_attn):
        torch._dynamo.reset()
        block.train(training)
        compiled = torch.compile(block, fullgraph=True, backend='eager')
        for size in ((6, 6), (9, 13), (3, 8)):  # from the second on, sizes are symbols
            x = x_of(*size).permute(0, 2, 3, 1)
            with torch.set_grad_enabled(training):
                ours, theirs = compiled(x), block(x)
            torch.testing.assert_close(ours, theirs)
            if training:
                parameters = list(block.parameters())
                for one, other in zip(
                    torch.autograd.grad(ours.square().sum(), parameters),
                    torch.autograd.grad(theirs.square().sum(), parameters),
                    strict=True,
                ):
                    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_compiled_code_gives_the_same(group):
    torch._dynamo.reset()
    block = group.residual_group.blocks[1].eval()
    x = x_of(6, 8).permute(0, 2, 3, 1)
    with torch.no_grad():
        torch.testing.assert_close(
            torch.compile(block, fullgraph=True)(x), block(x), rtol=1e-4, atol=1e-5
        )


@gpu
@pytest.mark.parametrize('dtype', [None, torch.bfloat16, torch.float16])
def test_gpu_gives_the_cpu_result(dtype, monkeypatch):
    """Heads of 30 channels, which no fused kernel takes as they are; few windows at a time."""
    monkeypatch.setattr('mmdet_efpn.models.layers.attention.GPU_CHUNK', 2**16)
    torch.manual_seed(0)
    group = MODELS.build(
        dict(type='RHAG', embed_dims=60, depth=2, num_heads=2, window_size=8, squeeze_factor=3)
    )
    x, results = torch.randn(2, 60, 21, 26), []
    for device in ('cpu', 'cuda'):
        group.to(device).zero_grad()
        with torch.autocast(device, dtype=dtype, enabled=device == 'cuda' and dtype is not None):
            out = group(x.to(device))
        out.float().square().mean().backward()
        results.append([out.float().cpu()] + [p.grad.cpu().clone() for p in group.parameters()])
    tolerance = 1e-3 if dtype is None else 0.05
    for exact, rough in zip(*results, strict=True):
        torch.testing.assert_close(
            rough, exact, rtol=tolerance, atol=tolerance * exact.abs().max().item()
        )


@gpu
@torch.no_grad()
def test_gpu_forward_makes_nothing_on_the_cpu(group):
    group.cuda().eval()
    x = x_of(9, 13).cuda()
    with torch.profiler.profile(activities=list(torch.profiler.supported_activities())) as profile:
        group(x)
    assert not any('HtoD' in event.key for event in profile.key_averages())
