"""Is each annotation's area its own? Sizes in the metric (AP small) come from it."""

import math

TOLERANCE = 0.01  # of the box's area
ROUNDING = 1.0  # px²
LEAST_SHARE = 0.01  # of its box that a mask covers


def mend_areas(annotations: list[dict]) -> tuple[int, int, int]:
    """Gives annotations without an area, or with none above zero, that of their box, in place.

    Args:
        annotations (list[dict]): Of a COCO file.

    Returns:
        tuple[int, int, int]: How many got their box's area; how many say a larger area than their box
        has; how many a smaller one without a mask that would explain it, or a hundredth of the box and
        less with one. The last two stay as they are.
    """
    mended = larger = smaller = 0
    for entry in annotations:
        _, _, width, height = entry['bbox']
        box, area = width * height, entry.get('area')
        if not _is_number(area) or (area <= 0 < box):
            entry['area'] = max(box, 0)
            mended += 1
        elif width <= 0 or height <= 0:
            continue
        elif area > box + max(TOLERANCE * box, ROUNDING):
            larger += 1
        elif area < (
            LEAST_SHARE * box if entry.get('segmentation') else box - max(TOLERANCE * box, ROUNDING)
        ):
            smaller += 1
    return mended, larger, smaller


def areas_said(mended: int, larger: int, smaller: int) -> list[str]:
    """What to tell of :func:`mend_areas`, a sentence each."""
    said = []
    if mended:
        said.append(f'{mended} annotations had no area above 0 and got that of their box')
    for count, what in ((larger, 'larger'), (smaller, 'smaller')):
        if count:
            said.append(
                f'{count} annotations have an area {what} than their box or mask can have; the metric '
                'takes sizes (AP small) from it'
            )
    return said


def _is_number(area) -> bool:
    return isinstance(area, (int, float)) and math.isfinite(area)
