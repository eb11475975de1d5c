"""Builds a COCO annotation file box by box and writes it whole or not at all."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from ...utils.atomic_file import write_text_atomically
from ...utils.errors import ExistingFileError, UserError
from ...utils.outputs import refuse_existing


class CocoWriter:
    """Collects images and boxes of one split and writes them as a COCO annotation file.

    Args:
        classes: Class names. Category ids count from 1 in this order.

    Attributes:
        counts: What happened to the boxes: ``boxes`` (kept), ``clipped`` (kept, cut at the image's
            edge), ``outside_image``, ``zero_size`` and ``unknown_class`` (dropped),
            ``images_without_boxes``. A converter may add causes of its own.
        unknown_classes: How often each unknown class name was met.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = tuple(classes)
        self.category_ids = {name: number for number, name in enumerate(self.classes, start=1)}
        self.images: list[dict] = []
        self.annotations: list[dict] = []
        self.counts: Counter = Counter()
        self.unknown_classes: Counter = Counter()

    def add_image(
        self, file_name: str, width: int, height: int, boxes: Sequence[tuple[str, Sequence[float]]]
    ) -> int:
        """Add an image with ``(class name, (x1, y1, x2, y2))`` boxes in pixels; gives the image id.

        A box that reaches over the edge is clipped; one without area, outside the image or of an
        unknown class is dropped. All of them are counted.
        """
        image_id = len(self.images) + 1
        self.images.append(dict(id=image_id, file_name=file_name, width=width, height=height))
        kept = sum(self._add_box(image_id, width, height, name, box) for name, box in boxes)
        if not kept:
            self.counts['images_without_boxes'] += 1
        return image_id

    def _add_box(self, image_id: int, width: int, height: int, name: str, box: Sequence[float]) -> bool:
        x1, y1, x2, y2 = box
        if name not in self.category_ids:
            self.counts['unknown_class'] += 1
            self.unknown_classes[name] += 1
            return False
        if not (x2 > x1 and y2 > y1):
            self.counts['zero_size'] += 1
            return False
        if x1 >= width or y1 >= height or x2 <= 0 or y2 <= 0:
            self.counts['outside_image'] += 1
            return False
        inside = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
        if inside != (x1, y1, x2, y2):
            self.counts['clipped'] += 1
            x1, y1, x2, y2 = inside
        self.annotations.append(
            dict(
                id=len(self.annotations) + 1,
                image_id=image_id,
                category_id=self.category_ids[name],
                bbox=[x1, y1, x2 - x1, y2 - y1],
                area=(x2 - x1) * (y2 - y1),
                iscrowd=0,
            )
        )
        self.counts['boxes'] += 1
        return True

    def text(self) -> str:
        """The annotation file's JSON."""
        categories = [dict(id=number, name=name) for name, number in self.category_ids.items()]
        content = dict(images=self.images, annotations=self.annotations, categories=categories)
        return json.dumps(content)

    def write(self, path: str | Path) -> None:
        """Write the annotation file; an interrupted write leaves an older file as it was."""
        write_text_atomically(path, self.text())

    def summary(self) -> str:
        """Lines for the terminal: images, boxes by class, sizes, all that was dropped."""
        per_class = Counter(annotation['category_id'] for annotation in self.annotations)
        sides = sorted(annotation['area'] ** 0.5 for annotation in self.annotations)
        lines = [f'{len(self.images)} images, {len(self.annotations)} boxes']
        if sides:
            small = sum(side < 32 for side in sides) / len(sides)
            lines.append(f'  median box side {sides[len(sides) // 2]:.1f} px, {small:.0%} under 32 px')
        lines.append(
            '  ' + ', '.join(f'{name} {per_class[number]}' for name, number in self.category_ids.items())
        )
        for cause, count in self.counts.items():
            if cause != 'boxes' and count:
                lines.append(f'  warning: {cause.replace("_", " ")}: {count}')
        if self.unknown_classes:
            names = ', '.join(f'{name} {count}' for name, count in self.unknown_classes.most_common(10))
            lines.append(f'  unknown classes (most frequent first): {names}')
        return '\n'.join(lines)


def image_size(path: str | Path, decode: bool = True) -> tuple[int, int]:
    """Width and height of an image file, in pixels.

    Args:
        path: The image file.
        decode: Decode all of it, so that a truncated file is noticed; otherwise read only its
            header.

    Raises:
        MissingFileError: There is no such file.
        UserError: The file is no image or is damaged.
    """
    try:
        with Image.open(path) as image:
            if decode:
                image.load()
            return image.size
    except FileNotFoundError:
        raise
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f'{path} cannot be decoded as an image: {error}') from error


def write_splits(
    writers: Mapping[str, CocoWriter],
    source: str | Path,
    out: str | Path,
    images: str,
    overwrite: bool = False,
) -> None:
    """Writes ``out/annotations/SPLIT.json`` for each split, and ``out/images``.

    Args:
        writers: The writer of each split.
        source: Folder that the writers' file names are relative to.
        out: Folder to write to.
        images: As ``how`` of :func:`place_images`.
        overwrite: Replace annotation files that are there and say something else.

    Raises:
        ExistingFileError: Such a file is there; nothing was written.
    """
    texts = {
        Path(out) / 'annotations' / f'{split}.json': writer.text() for split, writer in writers.items()
    }
    for path, text in texts.items():
        if not path.is_file() or path.read_text(encoding='utf-8') != text:
            refuse_existing(path, overwrite)
    file_names = sorted({image['file_name'] for writer in writers.values() for image in writer.images})
    place_images(source, Path(out) / 'images', file_names, images)
    for path, text in texts.items():
        write_text_atomically(path, text)


def place_images(source: str | Path, target: str | Path, file_names: Sequence[str], how: str) -> None:
    """Make the images of a data set available under ``target``.

    Args:
        source: Folder that the file names are relative to.
        target: Folder to create.
        file_names: Images to copy (a link shows all of ``source``).
        how: ``'symlink'`` links ``target`` to ``source``, ``'copy'`` copies the named images,
            ``'none'`` does nothing.

    Raises:
        ExistingFileError: ``target`` exists and shows something else.
        UserError: Unknown ``how``.
    """
    source, target = Path(source).resolve(), Path(target)
    if how not in ('symlink', 'copy', 'none'):
        raise UserError(f"images must be 'symlink', 'copy' or 'none', got {how!r}")
    if how == 'none':
        return
    if target.is_symlink() and how == 'symlink' and target.resolve() == source:
        return
    if target.exists() or target.is_symlink():
        raise ExistingFileError(f'{target} exists already: remove it, or choose another output folder')
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == 'symlink':
        target.symlink_to(source, target_is_directory=True)
        return
    temporary = target.with_name(f'.{target.name}.{os.getpid()}.tmp')
    try:
        for name in file_names:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, temporary / name)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
