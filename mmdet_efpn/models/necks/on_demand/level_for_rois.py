"""What stands in a pyramid in the place of a map of P2' that is not made whole."""

from torch import Tensor

from ....utils.errors import UserError


class LevelForRoIs:
    """Level P2' without a map: it tells its shape, and only ``ExtendedRoIHead`` can read it.

    Attributes:
        shape (torch.Size): (B, C, H, W) of P2'.
        reason (str): Why there is no map.
        remedy (str): What to set for heads that read the whole map.
        has_map (bool): Whether a head that reads the whole map may have it, from ``dense``.
    """

    shape: tuple[int, ...]
    reason: str
    remedy: str
    has_map: bool = False

    @property
    def made(self) -> Tensor:
        """The finest map that exists so far of what the level is made from."""
        raise NotImplementedError

    @property
    def requires_grad(self) -> bool:
        """Whether the level will have a gradient."""
        return self.made.requires_grad

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        raise UserError(
            f"{getattr(function, '__name__', function)} was called on P2', which {cls.reason}: only "
            f'ExtendedRoIHead can read it so. For heads that read it whole set {cls.remedy}'
        )


def whole_map(level: Tensor | LevelForRoIs, reader: str) -> Tensor:
    """The level as a map.

    Args:
        level (Tensor | LevelForRoIs): P2'.
        reader (str): What wants to read it, for the message.

    Raises:
        UserError: It is made for RoIs alone.
    """
    if isinstance(level, LevelForRoIs) and level.has_map:
        return level.dense()
    if isinstance(level, LevelForRoIs):
        raise UserError(f"{reader} reads the whole of P2', which {level.reason}; set {level.remedy}")
    return level
