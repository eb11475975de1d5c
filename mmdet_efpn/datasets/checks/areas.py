"""Is each annotation's area its own? Sizes in the metric (AP small) come from it."""

TOLERANCE = 1.01


def mend_areas(annotations: list[dict]) -> tuple[int, int]:
    """Gives annotations without an area, or with none above zero, that of their box, in place.

    Args:
        annotations (list[dict]): Of a COCO file.

    Returns:
        tuple[int, int]: How many got their box's area, and how many say a larger area than their box
        has, which stays.
    """
    mended = larger = 0
    for entry in annotations:
        _, _, width, height = entry['bbox']
        box = width * height
        area = entry.get('area')
        if not isinstance(area, (int, float)) or (area <= 0 < box):
            entry['area'] = max(box, 0)
            mended += 1
        elif area > TOLERANCE * box > 0:
            larger += 1
    return mended, larger


def areas_said(mended: int, larger: int) -> list[str]:
    """What to tell of :func:`mend_areas`, a sentence each."""
    said = []
    if mended:
        said.append(f'{mended} annotations had no area above 0 and got that of their box')
    if larger:
        said.append(
            f'{larger} annotations have an area larger than their box; sizes in the metric come from it'
        )
    return said
