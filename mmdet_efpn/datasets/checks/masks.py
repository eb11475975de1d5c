"""Has each box a mask, where the pipeline loads masks?"""

from collections.abc import Sequence

from ...utils.errors import UserError
from .ignored import is_ignored


def check_masks(path: str, annotations: list[dict], pipeline: Sequence[dict]) -> list[str]:
    """Checks that boxes have a ``segmentation`` if a pipeline asks for masks.

    Ignored regions without one get their box as polygon, in place: the loader wants one, and nothing
    learns from it.

    Args:
        path (str): The annotation file, for messages.
        annotations (list[dict]): Its annotations.
        pipeline (Sequence[dict]): Configs of the data set's transforms.

    Returns:
        list[str]: What to tell of masks that the loader passes over.

    Raises:
        UserError: Boxes lack it, or it is empty.
    """
    if not any(isinstance(step, dict) and step.get('with_mask') for step in pipeline or ()):
        return []
    for entry in annotations:
        flat = entry.get('segmentation')
        if isinstance(flat, list) and flat and not isinstance(flat[0], list):
            entry['segmentation'] = [flat]  # one polygon, without the list around it
    without = [entry for entry in annotations if not entry.get('segmentation')]
    for entry in without:
        if is_ignored(entry):
            x, y, w, h = entry['bbox']
            entry['segmentation'] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
    missing = sum(not is_ignored(entry) for entry in without)
    if missing:
        raise UserError(
            f'annotation file {path}: {missing} of {len(annotations)} boxes have no segmentation, but '
            'the pipeline loads masks (LoadAnnotations with_mask=True): give them polygons, or train a '
            'detector without masks (with_mask=False)'
        )
    broken = sum(
        isinstance(entry['segmentation'], list)
        and not any(
            isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0 for p in entry['segmentation']
        )
        for entry in annotations
    )
    if broken:
        return [
            f'{broken} annotations have a segmentation that is no polygon of at least three points; '
            'MMDetection ignores their boxes'
        ]
    return []
