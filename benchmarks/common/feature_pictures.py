"""Feature maps as pictures, in colours that mean the same in each."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def feature_colours(
    maps: Sequence[Tensor], reference: int = -1, size: tuple[int, int] | None = None
) -> list[np.ndarray]:
    """Paints maps by the three main directions of one of them.

    The principal components of the reference map's cells become red, green and blue, stretched between
    its 1st and 99th percentiles; the other maps are projected and stretched alike, so equal colours
    mean equal features.

    Args:
        maps (Sequence[Tensor]): Maps of equal width, (C, H_i, W_i), C of 3 or more.
        reference (int): Which map sets the colours. Default: the last.
        size (tuple[int, int], optional): Height and width of the pictures, by nearest neighbour.
            Default: the maps' own.

    Returns:
        list[np.ndarray]: One (H, W, 3) uint8 RGB picture for each map.

    Raises:
        ValueError: maps of different or less than 3 channels.
    """
    channels = {m.shape[0] for m in maps}
    if len(channels) != 1 or channels.pop() < 3:
        raise ValueError(f'maps must have one width of 3 or more, got {[tuple(m.shape) for m in maps]}')
    cells = maps[reference].flatten(1).T.double()
    centre = cells.mean(0)
    directions = torch.linalg.svd(cells - centre, full_matrices=False).Vh[:3].T
    projected = [((m.flatten(1).T.double() - centre) @ directions) for m in maps]
    bounds = torch.tensor([0.01, 0.99], dtype=torch.float64)
    low, high = torch.quantile(projected[reference], bounds, dim=0)
    pictures = []
    for values, feature in zip(projected, maps, strict=True):
        scaled = ((values - low) / (high - low).clamp(min=1e-12)).clamp(0, 1)
        picture = scaled.T.reshape(1, 3, *feature.shape[1:])
        if size is not None:
            picture = F.interpolate(picture, size=size, mode='nearest')
        pictures.append((picture[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy())
    return pictures
