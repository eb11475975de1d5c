"""A check that the strides a head was told are those of the maps it gets."""
from collections.abc import Sequence

from torch import Tensor


def check_true_strides(features: Sequence[Tensor], strides: Sequence[int],
                       image_size: tuple[int, int], config_key: str) -> None:
    """Refuses strides that do not fit the maps' sizes.

    A map of stride s over an image of side n has about n / s cells. One cell more or less passes, so
    that any way of rounding does; a stride that is off by a factor of two does not, down to maps of
    three cells.

    Args:
        features (Sequence[Tensor]): Maps (B, C, H_i, W_i).
        strides (Sequence[int]): Their strides in pixels, in the same order.
        image_size (tuple[int, int]): Height and width in pixels of the padded batch.
        config_key (str): The config key that holds the strides, for the message.

    Raises:
        ValueError: a number of maps or a size that the strides do not explain.
    """
    if len(features) != len(strides):
        raise ValueError(
            f'{config_key} names {len(strides)} levels ({list(strides)}), but the head gets '
            f'{len(features)} maps')
    for feature, stride in zip(features, strides, strict=True):
        cells = tuple(feature.shape[-2:])
        if any(abs(n - -(-side // stride)) > 1 for n, side in zip(cells, image_size, strict=True)):
            sizes = [tuple(f.shape[-2:]) for f in features]
            raise ValueError(
                f'{config_key} is {list(strides)}, but for an image of {tuple(image_size)} the maps '
                f'are {sizes}: stride {stride} does not fit the map of {cells}')
