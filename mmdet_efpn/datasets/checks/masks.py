"""Has each box a mask, where the pipeline loads masks?"""

from collections.abc import Sequence

from ...utils.errors import UserError


def check_masks(path: str, annotations: list[dict], pipeline: Sequence[dict]) -> None:
    """Checks that boxes have a ``segmentation`` if a pipeline asks for masks.

    Raises:
        UserError: Boxes lack it, or most have an empty one.
    """
    if not any(isinstance(step, dict) and step.get('with_mask') for step in pipeline or ()):
        return
    boxes = [entry for entry in annotations if not entry.get('iscrowd')]
    missing = sum(entry.get('segmentation') is None for entry in boxes)
    empty = sum(entry.get('segmentation') == [] for entry in boxes)
    if missing or 2 * empty > len(boxes) > 0:
        raise UserError(
            f'annotation file {path}: {missing + empty} of {len(boxes)} boxes have no segmentation, but '
            'the pipeline loads masks (LoadAnnotations with_mask=True): give them polygons, or train a '
            'detector without masks (with_mask=False)'
        )
