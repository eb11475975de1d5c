"""Builds a COCO annotation file box by box."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ...utils.atomic_file import write_text_atomically
from .picture import Box
from .report import Report

REGIONS = 'ignored regions'  # category of regions that are ignored for all classes


class CocoWriter:
    """Collects images and boxes of one split and writes them as a COCO annotation file.

    Args:
        classes: Class names. Category ids count from 1 in this order.
        regions: Whether there may be ignored regions of no class. They get a category of their own,
            after the classes.

    Attributes:
        report: What happened to boxes and pictures.
        counts: Its counts: ``boxes`` (kept), ``ignored`` and ``crowd`` (kept, and marked so),
            ``clipped`` (kept, cut at the image's edge), ``outside_image``, ``zero_size`` and
            ``unknown_class`` (dropped), ``images_without_boxes``. A converter adds its own causes.
        unknown_classes: How often each unknown class name was met.
    """

    def __init__(self, classes: Sequence[str], regions: bool = False) -> None:
        self.classes = tuple(classes)
        self.category_ids = {name: number for number, name in enumerate(self.classes, start=1)}
        self.regions_id = len(self.classes) + 1 if regions else None
        self.images: list[dict] = []
        self.annotations: list[dict] = []
        self.report = Report()
        self.counts = self.report.counts
        self.unknown_classes: Counter = Counter()

    def add_image(self, file_name: str, width: int, height: int, boxes: Sequence[Sequence]) -> int:
        """Add an image with its boxes in pixels; gives the image id.

        A box that reaches over the edge is clipped; one without area, outside the image or of an
        unknown class is dropped. All of them are counted.

        Args:
            file_name: The image's name.
            width: In pixels.
            height: In pixels.
            boxes: Each a :class:`Box`, or ``(class name, (x1, y1, x2, y2))``.
        """
        image_id = len(self.images) + 1
        self.images.append(dict(id=image_id, file_name=file_name, width=width, height=height))
        kept = self.checked(file_name, width, height, boxes)
        for box in kept:
            self._append(image_id, box)
        if not kept:
            self.counts['images_without_boxes'] += 1
        return image_id

    def checked(self, where: str, width: int, height: int, boxes: Sequence[Sequence]) -> list[Box]:
        """The boxes that can stay, clipped to the image; what else there was is counted."""
        return [kept for box in boxes if (kept := self._checked(where, width, height, Box(*box)))]

    def _checked(self, where: str, width: int, height: int, box: Box) -> Box | None:
        x1, y1, x2, y2 = box.corners
        detail = f'{box.name} {_short(box.corners)}'
        if self._category(box) is None:
            self.report.note('unknown_class', where, detail)
            self.unknown_classes[str(box.name)] += 1
            return None
        if not (x2 > x1 and y2 > y1):
            self.report.note('zero_size', where, detail)
            return None
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            self.report.note('outside_image', where, detail)
            return None
        inside = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if inside == (x1, y1, x2, y2):
            return box
        self.report.note('clipped', where, detail)
        return box._replace(corners=inside, area=None)

    def _category(self, box: Box) -> int | None:
        return self.regions_id if box.name is None else self.category_ids.get(box.name)

    def _append(self, image_id: int, box: Box) -> None:
        x1, y1, x2, y2 = box.corners
        annotation = dict(
            id=len(self.annotations) + 1,
            image_id=image_id,
            category_id=self._category(box),
            bbox=[_plain(value) for value in (x1, y1, x2 - x1, y2 - y1)],
            area=_plain((x2 - x1) * (y2 - y1) if box.area is None else box.area),
            iscrowd=int(box.crowd),
        )
        if box.ignore:
            annotation['ignore'] = 1
            self.counts['ignored'] += 1
        if box.crowd:
            self.counts['crowd'] += 1
        self.annotations.append(annotation)
        self.counts['boxes'] += 1

    def text(self) -> str:
        """The annotation file's JSON."""
        categories = [dict(id=number, name=name) for name, number in self.category_ids.items()]
        if self.regions_id is not None:
            categories.append(dict(id=self.regions_id, name=REGIONS))
        content = dict(images=self.images, annotations=self.annotations, categories=categories)
        return json.dumps(content)

    def write(self, path: str | Path) -> None:
        """Write the annotation file; an interrupted write leaves an older file as it was."""
        write_text_atomically(path, self.text())

    def summary(self) -> str:
        """Lines for the terminal: images, boxes by class, sizes, all that was dropped or changed."""
        per_class = Counter(annotation['category_id'] for annotation in self.annotations)
        sides = sorted(entry['area'] ** 0.5 for entry in self.annotations if not entry.get('ignore'))
        lines = [f'{len(self.images)} images, {len(self.annotations)} boxes']
        if sides:
            small = sum(side < 32 for side in sides) / len(sides)
            lines.append(f'  median box side {sides[len(sides) // 2]:.1f} px, {small:.0%} under 32 px')
        lines.append(
            '  ' + ', '.join(f'{name} {per_class[number]}' for name, number in self.category_ids.items())
        )
        marked = {
            'ignored (neither train nor count)': self.counts['ignored'],
            'crowd regions': self.counts['crowd'],
            'cut by a tile and kept': self.counts['cut'],
            'cut by a tile and ignored': self.counts['cut_ignored'],
            'warning: images without boxes': self.counts['images_without_boxes'],
        }
        lines += [f'  {what}: {count}' for what, count in marked.items() if count]
        lines += self.report.lines()
        if self.unknown_classes:
            names = ', '.join(f'{name} {count}' for name, count in self.unknown_classes.most_common(10))
            lines.append(f'  unknown classes (most frequent first): {names}')
        return '\n'.join(lines)


def _plain(value: float) -> float:
    """A whole number without its ``.0``, so that equal boxes are equal text."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short(corners: Sequence[float]) -> str:
    return '[' + ', '.join(f'{corner:g}' for corner in corners) + ']'
