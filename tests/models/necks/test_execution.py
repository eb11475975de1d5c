"""The extension compiled, and with activation checkpointing: the same numbers and weights."""

import copy

import pytest
import torch

from mmdet_efpn.models import EFPN
from mmdet_efpn.utils.errors import UserError

WIDTHS = (64, 64, 128, 256)
# No part of it may fall back to Python: fullgraph makes that an error.
COMPILED = dict(compile=dict(backend='eager', fullgraph=True))
FTTS = {
    'light': dict(type='LightFTT'),
    'paper': dict(type='FTT', hidden_channels=8),
    'pointwise': dict(type='PointwiseFTT'),
    'swin': dict(type='SwinFTT', embed_dims=8, depths=(2, 2), num_heads=2, window_size=4),
}
FORMS = {
    'map': dict(),
    'light': dict(channels=8, separable=True, p3_prime_scale=0.1),
    'widen_on_rois': dict(channels=8, separable=True, widen_on_rois=True),
    'on_rois': dict(channels=8, separable=True, on_rois=True),
}


@pytest.fixture(autouse=True)
def nothing_compiled_before():
    """Torch counts what it compiles of one function, over all tests."""
    torch._dynamo.reset()


def necks_of(ftt, form, **options):
    """A neck and its twin with the options, of the same weights."""
    torch.manual_seed(0)
    config = dict(in_channels=WIDTHS, out_channels=16, num_outs=4, ftt=FTTS[ftt])
    plain = EFPN(**config, extension_cfg=FORMS[form])
    plain.init_weights()
    other = EFPN(**config, extension_cfg=dict(FORMS[form], **options))
    other.load_state_dict(plain.state_dict())
    return plain.double(), other.double()


def images(height=36, width=52):
    sizes = [(height, width)]
    for _ in WIDTHS[1:]:
        sizes.append(tuple((side + 1) // 2 for side in sizes[-1]))
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(2, channels, *size, generator=generator, dtype=torch.float64, requires_grad=True)
        for channels, size in zip(WIDTHS, sizes, strict=True)
    ]


def outputs_and_gradients(neck, inputs):
    """What a pass gives: levels, and gradients of inputs and weights."""
    made, *others = (getattr(level, 'made', level) for level in neck(inputs))
    loss = sum((level * torch.linspace(0, 1, level.numel()).view_as(level)).sum() for level in others)
    loss = loss + (made * torch.linspace(1, 2, made.numel(), dtype=made.dtype).view_as(made)).sum()
    grads = torch.autograd.grad(loss, [*inputs, *neck.parameters()], allow_unused=True)
    return [made, *others], grads


def assert_alike(ours, theirs, rtol=1e-9):
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=rtol, atol=rtol)


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('ftt', FTTS)
@pytest.mark.parametrize('option', [dict(with_cp=True), COMPILED], ids=str)
def test_the_same_levels_and_gradients(ftt, form, option):
    plain, other = necks_of(ftt, form, **option)
    for size in ((36, 52), (21, 34)):
        ours = outputs_and_gradients(other, images(*size))
        theirs = outputs_and_gradients(plain, images(*size))
        assert_alike(ours[0], theirs[0])
        assert_alike(ours[1], theirs[1])


@pytest.mark.parametrize('option', [dict(with_cp=True), dict(compile=True)], ids=str)
def test_names_of_weights_stay(option):
    plain, other = necks_of('light', 'widen_on_rois', **option)
    assert list(plain.state_dict()) == list(other.state_dict())


def test_a_copy_runs_with_its_own_weights():
    _, neck = necks_of('light', 'light', **COMPILED)
    inputs = images()
    before = neck(inputs)[0]
    twin = copy.deepcopy(neck)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert twin(inputs)[0].abs().max() == 0
    assert torch.equal(neck(inputs)[0], before)


def test_a_training_pass_keeps_its_inputs_alone():
    def kept(neck):
        total = 0

        def pack(tensor):
            nonlocal total
            total += tensor.numel()
            return tensor

        inputs = images()
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            neck.extension(
                inputs[0], torch.ones(2, 16, 18, 26).double(), torch.ones(2, 16, 9, 13).double()
            )
        return total

    plain, other = necks_of('light', 'light', with_cp=True)
    of_inputs = 2 * (64 * 36 * 52 + 16 * 18 * 26 + 16 * 9 * 13)
    assert kept(other) == of_inputs < kept(plain) / 1.5


@pytest.mark.parametrize('value', ['yes', 1, None, {1: 2}], ids=str)
def test_other_values_of_compile_are_errors(value):
    with pytest.raises(UserError, match=r'neck\.extension_cfg\.compile must be True, False, or a dict'):
        necks_of('light', 'light', compile=value)


def test_batch_norms_are_not_run_twice():
    with pytest.raises(UserError, match=r'batch norm lateral_conv\.bn would count each batch twice'):
        EFPN(
            WIDTHS,
            16,
            4,
            ftt=FTTS['light'],
            norm_cfg=dict(type='BN'),
            extension_cfg=dict(with_cp=True),
        )


@pytest.mark.slow
@pytest.mark.parametrize('form', ['light', 'widen_on_rois'])
def test_compiled_to_machine_code_at_changing_sizes(form):
    plain, other = (neck.float() for neck in necks_of('light', form, compile=dict(fullgraph=True)))
    for size in ((36, 52), (64, 96), (21, 34)):
        inputs = [feature.detach().float().requires_grad_() for feature in images(*size)]
        ours = outputs_and_gradients(other, inputs)
        theirs = outputs_and_gradients(plain, inputs)
        assert_alike(ours[0], theirs[0], 1e-4)
        assert_alike(ours[1], theirs[1], 1e-3)
