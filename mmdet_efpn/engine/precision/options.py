"""What ``mmdet-efpn train`` has for speed: types and layouts."""

import torch
from mmengine.config import Config
from mmengine.device import get_device

from ...utils.amp_types import AMP_TYPES, AUTO
from ...utils.errors import UserError

_ACCELERATORS = ('cuda', 'npu', 'mlu', 'musa')
_WRAPPERS = ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper')


def use_mixed_precision(cfg: Config, dtype: str = AUTO) -> str:
    """Switches to mixed precision, and returns one line that says what it does.

    Args:
        cfg: The run's config; changed in place.
        dtype: ``'float16'``: with loss scaling, on GPUs alone. ``'bfloat16'``: without; what has no
            bfloat16 kernel, or too few bits in it, runs in float32, see ``BFloat16OptimWrapper``.
            ``'auto'``: ``optim_wrapper.dtype`` where the config has it, else float16 on GPUs and
            bfloat16 on the CPU. Default ``'auto'``.

    Raises:
        UserError: The config's optimiser wrapper, the type or the device has no mixed precision.
    """
    if dtype not in (AUTO, *AMP_TYPES):
        raise UserError(f'--amp takes one of {", ".join((AUTO, *AMP_TYPES))}, not {dtype}')
    wrapper = cfg.get('optim_wrapper')
    kind = None if wrapper is None else wrapper.get('type', 'OptimWrapper')
    if kind not in _WRAPPERS:
        raise UserError(f'--amp replaces an optim_wrapper of type OptimWrapper; the config has {kind}')
    device = get_device()
    if device not in (*_ACCELERATORS, 'cpu'):
        raise UserError(f'--amp is not available on the device {device}')
    wanted = wrapper.pop('dtype', None) if dtype == AUTO else dtype
    wrapper.pop('dtype', None)
    if wanted is None:
        wanted = 'bfloat16' if device == 'cpu' else 'float16'
    if wanted == 'bfloat16':
        wrapper.pop('loss_scale', None)
        wrapper.pop('use_fsdp', None)
        wrapper.type = 'BFloat16OptimWrapper'
        return (
            '--amp: bfloat16 autocast; boxes, losses, NMS, RoI pooling and mmcv operators run in '
            'float32, for these have no bfloat16 kernel or need more bits'
        )
    if device == 'cpu':
        raise UserError(
            f'--amp on the CPU computes in bfloat16, not {wanted}: take --amp bfloat16, or a GPU'
        )
    wrapper.type, wrapper.dtype = 'AmpOptimWrapper', wanted
    wrapper.setdefault('loss_scale', 'dynamic')
    return f'--amp: {wanted} autocast, loss scale {wrapper.loss_scale}'


def use_tf32() -> str:
    """Lets GPUs multiply float32 numbers as TF32, and returns one line that says what it does."""
    if not torch.cuda.is_available():
        return '--tf32: no effect, this run finds no CUDA GPU'
    torch.set_float32_matmul_precision('high')
    torch.backends.cudnn.allow_tf32 = True
    return (
        '--tf32: matrix products and convs in float32 round what they multiply to 11 significant bits, '
        'and add up in float32; on GPUs from compute capability 8.0, the others do not change'
    )


def use_channels_last(cfg: Config) -> str:
    """Keeps maps and weights channels-last in training, and returns one line that says what it does.

    Args:
        cfg: The run's config; gets the hook ``UseChannelsLast`` and ``channels_last = True``.
    """
    cfg.channels_last = True
    text = '--channels-last: images and the weights of convs have their channels last in memory'
    if get_device() == 'cpu':
        return f'{text}; meant for GPUs with 16-bit types, on the CPU it may well be slower'
    return f'{text}; pays with 16-bit types'
