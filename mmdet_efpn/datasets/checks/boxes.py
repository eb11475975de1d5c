"""Are boxes written as COCO has them: x, y, width and height in pixels?"""

from ...utils.errors import UserError

MARGIN = 1.0  # px that a box may leave the picture by rounding
MOST = 0.5


def check_box_form(path: str, content: dict) -> int:
    """Looks for boxes as corners or as shares of the picture.

    Returns:
        int: Number of boxes that stick out of their picture, which MMDetection clips.

    Raises:
        UserError: The boxes are corners (x1, y1, x2, y2), or shares between 0 and 1.
    """
    sizes = {image['id']: (image['width'], image['height']) for image in content['images']}
    boxes = [
        (entry['bbox'], *sizes[entry['image_id']])
        for entry in content['annotations']
        if entry['image_id'] in sizes and not entry.get('iscrowd')
    ]
    if not boxes:
        return 0
    if all(max(box) <= 1 for box, *_ in boxes) and any(max(box) > 0 for box, *_ in boxes):
        raise UserError(
            f'annotation file {path}: the numbers of every bbox lie between 0 and 1, as shares of the '
            'picture; a COCO box is x, y, width, height in pixels: multiply by width and height'
        )
    out = sum(
        x < -MARGIN or y < -MARGIN or x + w > width + MARGIN or y + h > height + MARGIN
        for (x, y, w, h), width, height in boxes
    )
    corners = sum(
        x2 > x1 and y2 > y1 and x2 <= width + MARGIN and y2 <= height + MARGIN
        for (x1, y1, x2, y2), width, height in boxes
    )
    leave = f'annotation file {path}: {out} of {len(boxes)} boxes leave their picture'
    most_leave = out > MOST * len(boxes)
    if (out and corners == len(boxes)) or (most_leave and corners >= out):
        raise UserError(
            f'{leave}, and {corners} would fit as corners (x1, y1, x2, y2); a COCO box is x, y, width, '
            'height in pixels: write [x1, y1, x2 - x1, y2 - y1]'
        )
    if most_leave:
        raise UserError(
            f'{leave}, and {corners} would fit as corners (x1, y1, x2, y2): write each bbox as x, y, '
            'width, height in pixels of the picture file, and check width and height of the images'
        )
    return out
