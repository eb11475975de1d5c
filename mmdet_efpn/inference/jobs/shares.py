"""Several processes, each with its share of the pictures."""

import os
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist

from ... import engine
from ...engine import Place
from ...utils.errors import UserError
from ..reading import Item

DAYS = 7  # that a process waits for one that has more to do


def start_shares(launcher: str = 'none') -> Place:
    """Joins this process to those that predict with it.

    Under ``torchrun`` that need not be said: it sets variables by which it is known. They meet over
    gloo, on GPUs too, for nothing but waiting is done together.

    Args:
        launcher: ``none``, ``pytorch``, ``slurm`` or ``mpi``.

    Raises:
        UserError: The launcher's variables are missing, or there are fewer GPUs than processes.
    """
    if launcher == 'none' and int(os.environ.get('WORLD_SIZE', 1)) > 1 and 'RANK' in os.environ:
        launcher = 'pytorch'
    if launcher == 'none':
        return Place()
    place = engine.read_place(launcher)
    engine.join_by_gloo(launcher, place, DAYS * 24 * 3600)
    return place


def end_shares() -> None:
    """Lets the other processes go."""
    if dist.is_initialized():
        dist.destroy_process_group()


def device_of(place: Place, device: str | None) -> str | None:
    """The device of this process: its own GPU where there are several processes on this machine."""
    if place.world_size > 1 and torch.cuda.is_available() and device in (None, 'cuda'):
        return f'cuda:{place.local_rank}'
    return device


def share_of(sources: list[Item], place: Place, every: int = 1) -> Callable[[Item], bool]:
    """Whether an item is this process's: every n-th picture, and every n-th frame that is predicted."""
    numbers = {item.path or item.name: number for number, item in enumerate(sources)}

    def mine(item: Item) -> bool:
        number = numbers[item.path or item.name] + (item.frame or 0) // every
        return number % place.world_size == place.rank

    return mine


def first_does(place: Place, action: Callable[[], Any]) -> Any:
    """What the first process does and the others wait for; an error of it is raised in all.

    Returns:
        What ``action`` gives, in all processes.

    Raises:
        UserError: The one that ``action`` raised.
    """
    if place.world_size == 1:
        return action()
    answer: list[Any] = [None, None]
    if place.rank == 0:
        try:
            answer[1] = action()
        except UserError as error:
            answer[0] = error
        except OSError as error:
            answer[0] = UserError(str(error))
    dist.broadcast_object_list(answer)
    if answer[0] is not None:
        raise answer[0]
    return answer[1]


def wait_for_all(place: Place) -> None:
    """Comes back when all processes have come so far."""
    if place.world_size > 1:
        dist.barrier()
