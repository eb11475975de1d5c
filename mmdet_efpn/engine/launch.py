"""Starting the processes of a run: nccl through MMEngine on GPUs, gloo on machines without one."""

import os
import subprocess
from datetime import timedelta
from typing import NamedTuple

import torch
import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device

from ..utils.errors import UserError

# Where each launcher says which process this is: (rank, number of processes, rank on this node).
_LAUNCHER_VARIABLES = {
    'pytorch': ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'),
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}


def start_processes(cfg: Config, launcher: str) -> None:
    """Joins this process to its run, before the runner is built.

    With ``launcher='none'`` nothing happens. On an accelerator the runner itself starts the backend
    named in ``cfg.env_cfg.dist_cfg``, and only a missing port is filled in here. Without one, a
    gloo process group is started, which the runner then finds and keeps, and
    ``cfg.model_wrapper_cfg`` is set by :func:`wrap_for_cpu`. ``cfg.launcher`` is set.

    Args:
        cfg: The run's config; changed in place. ``env_cfg.dist_cfg.timeout`` (seconds) is honoured.
        launcher: One of ``none``, ``pytorch``, ``slurm``, ``mpi``.

    Raises:
        UserError: The launcher's environment variables are missing, or this node has fewer GPUs
            than processes.
    """
    cfg.launcher = launcher
    if launcher == 'none':
        return
    place = read_place(launcher)
    if get_device() != 'cpu':
        if 'MASTER_PORT' not in os.environ:
            os.environ['MASTER_PORT'] = str(_default_port(launcher))
        return
    join_by_gloo(launcher, place, (cfg.get('env_cfg') or {}).get('dist_cfg', {}).get('timeout'))
    wrap_for_cpu(cfg)


class Place(NamedTuple):
    """Which process of a run this is.

    Attributes:
        rank: Its number, from 0.
        world_size: How many there are.
        local_rank: Its number on this machine.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0


def read_place(launcher: str) -> Place:
    """Which process of a run this is, as its launcher says.

    Args:
        launcher: One of ``pytorch``, ``slurm``, ``mpi``.

    Raises:
        UserError: The launcher's environment variables are missing, or this node has fewer GPUs
            than processes.
    """
    names = _LAUNCHER_VARIABLES[launcher]
    missing = [name for name in names if name not in os.environ]
    if missing:
        raise UserError(
            f'--launcher {launcher} needs the environment variables {", ".join(missing)}; '
            'start through tools/dist_train.sh, torchrun, srun or mpirun'
        )
    place = Place(*(int(os.environ[name]) for name in names))
    if torch.cuda.is_available() and place.local_rank >= torch.cuda.device_count():
        raise UserError(
            f'process {place.local_rank} here has no GPU, {torch.cuda.device_count()} visible. '
            'Start at most one process per GPU, or set CUDA_VISIBLE_DEVICES=-1 to use the CPU'
        )
    return place


def join_by_gloo(launcher: str, place: Place, timeout: float | None = None) -> None:
    """Starts a gloo process group, whatever the devices are.

    Args:
        launcher: One of ``pytorch``, ``slurm``, ``mpi``.
        place: Which process this is.
        timeout: Seconds that one process waits for the others. Default: torch's.
    """
    if 'MASTER_PORT' not in os.environ:
        os.environ['MASTER_PORT'] = str(_default_port(launcher))
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _default_address(launcher)
    os.environ.update(
        RANK=str(place.rank), WORLD_SIZE=str(place.world_size), LOCAL_RANK=str(place.local_rank)
    )
    options = {} if timeout is None else dict(timeout=timedelta(seconds=timeout))
    dist.init_process_group('gloo', **options)


def wrap_for_cpu(cfg: Config) -> None:
    """Asks the runner for a data-parallel model without GPU numbers, which DDP does not take on the CPU.

    The runner gives ``device_ids=[LOCAL_RANK]`` unless ``cfg.model_wrapper_cfg`` names them. What
    the config says otherwise (another wrapper, ``find_unused_parameters``) stays.
    """
    wrapper = dict(cfg.get('model_wrapper_cfg') or {})
    if not wrapper:
        wrapper = dict(
            broadcast_buffers=False, find_unused_parameters=cfg.get('find_unused_parameters', False)
        )
    wrapper.setdefault('type', 'MMDistributedDataParallel')
    if wrapper['type'] == 'MMDistributedDataParallel':
        wrapper.setdefault('device_ids', None)
    cfg.model_wrapper_cfg = wrapper


def _default_port(launcher: str) -> int:
    """A port all processes agree on: from a Slurm job's number, else torch's usual 29500."""
    if launcher == 'slurm' and 'SLURM_JOB_ID' in os.environ:
        return 20000 + int(os.environ['SLURM_JOB_ID']) % 10000
    return 29500


def _default_address(launcher: str) -> str:
    """The first node of a Slurm job; else this machine."""
    nodes = os.environ.get('SLURM_NODELIST')
    if launcher != 'slurm' or not nodes or os.environ.get('SLURM_NNODES') == '1':
        return '127.0.0.1'
    listing = subprocess.run(
        ['scontrol', 'show', 'hostnames', nodes], capture_output=True, text=True, check=True
    )
    return listing.stdout.split()[0]
