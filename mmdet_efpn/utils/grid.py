"""Where the tiles of a picture begin."""


def tile_starts(length: int, size: int, step: int) -> list[int]:
    """Where tiles of ``size`` begin along a side, ``step`` apart; the last one is moved back into it.

    >>> tile_starts(1000, 400, 350)
    [0, 350, 600]
    >>> tile_starts(300, 400, 350)
    [0]
    """
    starts = [0]
    while starts[-1] + size < length:
        starts.append(min(starts[-1] + step, length - size))
    return starts
