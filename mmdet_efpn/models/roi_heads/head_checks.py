"""Checks that an RoI head's extractors and box heads fit an extended pyramid."""

from torch import nn

from ...utils.errors import UserError

FINEST_STRIDE = 2


def check_extractor(name: str, extractor: nn.Module) -> None:
    """Checks that an extractor assigns RoIs to levels from P2' on.

    Args:
        name (str): Its key in ``roi_head``.
        extractor (nn.Module): The extractor.

    Raises:
        UserError: another kind of extractor, or other strides.
    """
    if not hasattr(extractor, 'map_roi_levels'):
        raise UserError(
            f'roi_head.{name} must assign each RoI to one level (SingleRoIExtractor), '
            f'got {type(extractor).__name__}'
        )
    strides = list(extractor.featmap_strides)
    if strides[0] != FINEST_STRIDE:
        raise UserError(
            f"roi_head.{name}.featmap_strides must begin with the stride of P2', "
            f'{FINEST_STRIDE}, for example [2, 4, 8, 16, 32], got {strides}'
        )


def check_box_heads(heads: dict[str, nn.Module], pooled_channels: int | None) -> None:
    """Checks that box heads read what is pooled, and give outputs of one shape.

    Args:
        heads (dict[str, nn.Module]): By key in ``roi_head``: ``bbox_head`` and, where there is one,
            ``extended_bbox_head``.
        pooled_channels (int, optional): Width of what is pooled; ``None``: a shared head changes it.

    Raises:
        UserError: a head without linear layers, of another width, or of other outputs than the first.
    """
    for name, head in heads.items():
        if not (hasattr(head, 'fc_cls') and hasattr(head, 'fc_reg')):
            raise UserError(
                f'roi_head.{name} must classify and regress by linear layers (fc_cls, fc_reg), '
                f'got {type(head).__name__}'
            )
        if pooled_channels is not None and head.in_channels != pooled_channels:
            raise UserError(
                f'roi_head.{name}.in_channels is {head.in_channels}, but '
                f'roi_head.bbox_roi_extractor.out_channels is {pooled_channels}'
            )
    widths = {name: output_widths(head) for name, head in heads.items()}
    if len(set(widths.values())) > 1:
        raise UserError(
            f'roi_head.extended_bbox_head gives {widths["extended_bbox_head"]} class and box '
            f'outputs, but roi_head.bbox_head gives {widths["bbox_head"]}; num_classes and '
            'reg_class_agnostic must agree'
        )


def output_widths(head: nn.Module) -> tuple[int, int]:
    """How many class scores and box numbers a box head gives for a RoI."""
    return head.fc_cls.out_features, head.fc_reg.out_features
