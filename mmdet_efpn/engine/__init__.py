"""What the command lines share: a run's options, its processes, mixed precision."""

from .cpu_amp import BFloat16OptimWrapper
from .launch import start_processes, wrap_for_cpu
from .run_options import RunOptionError, load_run_config

__all__ = [
    'BFloat16OptimWrapper',
    'RunOptionError',
    'load_run_config',
    'start_processes',
    'wrap_for_cpu',
]
