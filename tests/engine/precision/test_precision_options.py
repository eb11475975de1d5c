"""--amp, --tf32 and --channels-last: what they set, say and refuse."""

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config

from mmdet_efpn import engine
from mmdet_efpn.engine import load_run_config
from mmdet_efpn.engine.precision import options
from mmdet_efpn.evaluation.cost import random_samples
from mmdet_efpn.utils.errors import UserError


@pytest.fixture
def on_device(monkeypatch):
    return lambda name: monkeypatch.setattr(options, 'get_device', lambda: name)


@pytest.mark.parametrize(
    ('device', 'dtype', 'configured', 'expected'),
    [
        ('cpu', 'auto', {}, dict(type='BFloat16OptimWrapper')),
        ('cpu', 'bfloat16', {}, dict(type='BFloat16OptimWrapper')),
        ('cuda', 'auto', {}, dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')),
        (
            'cuda',
            'float16',
            dict(dtype='bfloat16', loss_scale=512.0),
            dict(type='AmpOptimWrapper', dtype='float16', loss_scale=512.0),
        ),
        ('cuda', 'bfloat16', dict(loss_scale='dynamic'), dict(type='BFloat16OptimWrapper')),
        ('cuda', 'auto', dict(dtype='bfloat16'), dict(type='BFloat16OptimWrapper')),
    ],
)
def test_amp_chooses_the_wrapper(tiny_config, on_device, device, dtype, configured, expected):
    on_device(device)
    cfg = load_run_config(tiny_config)
    cfg.optim_wrapper.update(configured)
    said = engine.use_mixed_precision(cfg, dtype)
    optimizer = cfg.optim_wrapper.pop('optimizer')
    assert optimizer.type == 'SGD'
    assert cfg.optim_wrapper.to_dict() == expected
    assert said.startswith('--amp: ')
    assert (expected.get('dtype') or 'bfloat16') in said
    assert ('float32' in said) == (expected['type'] == 'BFloat16OptimWrapper')


@pytest.mark.parametrize(
    ('device', 'dtype', 'said'),
    [
        ('cpu', 'float16', '--amp bfloat16, or a GPU'),
        ('cuda', 'int8', 'auto, bfloat16, float16, not int8'),
        ('mps', 'auto', 'not available on the device mps'),
    ],
)
def test_amp_refuses_what_does_not_run(tiny_config, on_device, device, dtype, said):
    on_device(device)
    with pytest.raises(UserError, match=said):
        engine.use_mixed_precision(load_run_config(tiny_config), dtype)


def test_tf32_says_where_it_has_no_effect(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    before = torch.get_float32_matmul_precision()
    assert 'no effect' in engine.use_tf32()
    assert torch.get_float32_matmul_precision() == before
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    try:
        assert '11 significant bits' in engine.use_tf32()
        assert torch.get_float32_matmul_precision() == 'high'
        assert torch.backends.cudnn.allow_tf32
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(('device', 'said'), [('cpu', 'slower'), ('cuda', 'pays with 16-bit types')])
def test_channels_last_is_noted_in_the_config(on_device, device, said):
    on_device(device)
    cfg = Config(dict(model=dict()))
    assert said in engine.use_channels_last(cfg)
    assert cfg.channels_last is True


def test_channels_last_reaches_every_conv_and_changes_no_number(tiny_config):
    from mmdet_efpn.engine.precision import UseChannelsLast

    losses, layouts = [], []
    for hook in (None, UseChannelsLast()):
        torch.manual_seed(0)
        model = MODELS.build(Config.fromfile(tiny_config).model)
        model.init_weights()
        if hook is not None:
            hook.before_train(type('Runner', (), dict(model=model)))
            for module in model.backbone.modules():
                if isinstance(module, torch.nn.Conv2d):
                    module.register_forward_hook(
                        lambda conv, inputs, out: layouts.append(
                            out.is_contiguous(memory_format=torch.channels_last)
                        )
                    )
        images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
        with engine.readable_inputs():
            found = model.train()(images, random_samples(images), mode='loss')
            loss, _ = model.parse_losses(found)
            loss.backward()
        losses.append(loss.item())
    assert len(layouts) >= 20
    assert all(layouts)
    assert model.backbone.layer1[0].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_command_trains_with_all_of_them(tiny_config, tmp_path, command):
    words = ['--amp', 'bfloat16', '--tf32', '--channels-last', '--work-dir', tmp_path / 'run']
    code, said, error = command('train', tiny_config, *words, '--cfg-options', 'train_cfg.max_iters=1')
    assert code == 0, error
    assert '--amp: bfloat16 autocast' in said
    assert '--tf32: ' in said
    assert '--channels-last: ' in said
    assert (tmp_path / 'run' / 'last_checkpoint').is_file()
    code, _, error = command('train', tiny_config, '--amp', 'half')
    assert code == 2
    assert "invalid choice: 'half'" in error


def test_weights_that_data_parallel_has_seen_keep_their_layout(monkeypatch):
    from mmdet_efpn.engine.precision import UseChannelsLast, layout

    monkeypatch.setattr(layout, 'is_model_wrapper', lambda model: hasattr(model, 'module'))
    inner = torch.nn.Module()
    inner.backbone = torch.nn.Conv2d(3, 4, 3)
    wrapper = torch.nn.Module()
    wrapper.module = inner
    UseChannelsLast().before_train(type('Runner', (), dict(model=wrapper)))
    assert not inner.backbone.weight.is_contiguous(memory_format=torch.channels_last)
    maps = inner.backbone(torch.randn(2, 3, 8, 8))
    assert maps.is_contiguous(memory_format=torch.channels_last)


def test_recipes_hand_the_options_on(command):
    words = ['--amp', 'bfloat16', '--tf32', '--channels-last']
    code, _, error = command('recipe', 'gone.py', *words)
    assert code == 2
    assert 'gone.py' in error  # past the reading of the arguments
    code, _, error = command('recipe', 'gone.py', '--amp', 'bf16')
    assert "invalid choice: 'bf16'" in error
