"""Checks that what a head was told of its maps is true: their widths and strides."""

from collections.abc import Sequence

from torch import Tensor

from ...utils.errors import UserError


def check_maps(
    features: Sequence[Tensor],
    channels: int,
    channels_key: str,
    strides: Sequence[int],
    strides_key: str,
    image_size: tuple[int, int] | None,
) -> None:
    """Raises an error for maps of another width, number or stride than the head's config says.

    A map of stride s over an image of side n has about n / s cells. One cell more or less passes, so
    that any way of rounding does; a stride that is off by a factor of two does not, down to maps of
    three cells.

    Args:
        features (Sequence[Tensor]): Maps (B, C, H_i, W_i).
        channels (int): Their width C.
        channels_key (str): The config key that holds the width, for the message.
        strides (Sequence[int]): Their strides in pixels, in the same order.
        strides_key (str): The config key that holds the strides, for the message.
        image_size (tuple[int, int] | None): Height and width in pixels of the padded batch;
            without it the strides are not checked.

    Raises:
        UserError: a width, a number of maps or a size that the config does not explain.
    """
    if len(features) != len(strides):
        raise UserError(
            f'{strides_key} names {len(strides)} levels ({list(strides)}), but the head gets '
            f'{len(features)} maps; neck.num_outs sets how many the neck gives, '
            "P2' counted (with ExtendedNeck, neck.neck.num_outs, without P2')"
        )
    widths = [feature.shape[1] for feature in features]
    if any(width != channels for width in widths):
        raise UserError(f'{channels_key} is {channels}, but the neck gives maps of {widths} channels')
    if image_size is None:
        return
    for feature, stride in zip(features, strides, strict=True):
        cells = tuple(feature.shape[-2:])
        if any(abs(n - -(-side // stride)) > 1 for n, side in zip(cells, image_size, strict=True)):
            sizes = [tuple(f.shape[-2:]) for f in features]
            raise UserError(
                f'{strides_key} is {list(strides)}, but for an image of {tuple(image_size)} the maps '
                f'are {sizes}: stride {stride} does not fit the map of {cells}'
            )


def padded_size(batch_data_samples) -> tuple[int, int] | None:
    """Height and width of a batch's padded images, where its data samples tell them."""
    return batch_data_samples[0].metainfo.get('batch_input_shape')
