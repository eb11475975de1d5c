"""TT100K's own annotation file to COCO annotation files."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from ...utils.errors import MissingFileError, UserError
from ..class_names import TT100K_CLASSES
from .coco_writer import CocoWriter, image_size, write_splits
from .report import BadFiles


def convert_tt100k(
    source: str | Path,
    out: str | Path,
    splits: Sequence[str] = ('train', 'test'),
    annotation_file: str = 'annotations.json',
    images: str = 'symlink',
    skip_bad: bool = False,
    decode: bool = True,
    overwrite: bool = False,
) -> dict[str, CocoWriter]:
    """Write ``out/annotations/{split}.json`` and ``out/images`` for TT100K.

    ``source/annotations.json`` holds ``{'imgs': {id: {'path', 'id', 'objects': [{'category',
    'bbox'}]}}}`` with a bbox of ``xmin, ymin, xmax, ymax`` in pixels. The first folder of a path
    (``train``, ``test``, ``other``) is its split.

    Args:
        source: Folder with the annotation file and the image folders.
        out: Folder to write to.
        splits: Splits to convert.
        annotation_file: Name of the annotation file in ``source``.
        images: ``'symlink'`` links ``out/images`` to ``source``, ``'copy'`` copies, ``'none'``
            leaves images alone.
        skip_bad: Leave out images with a missing or damaged file and count them, rather than stop.
        decode: Decode every image to find damaged ones; otherwise read only the headers.
        overwrite: Replace annotation files that are there and say something else.

    Returns:
        The writer of each split, with its ``counts``; signs outside the 45 classes are counted as
        ``unknown_class``, by name in ``unknown_classes``.

    Raises:
        ExistingFileError: Annotation files are there that say something else.
        MissingFileError: The annotation file or an image is missing.
        UserError: The annotation file or an image is damaged, or a split has no image.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """
    source, out = Path(source), Path(out)
    entries = _read_entries(source / annotation_file)
    bad_files = BadFiles(skip=skip_bad)
    writers = {split: CocoWriter(TT100K_CLASSES) for split in splits}
    for entry in entries:
        writer = writers.get(Path(entry['path']).parts[0])
        if writer is not None:
            _add_image(writer, source, entry, bad_files, decode)
    bad_files.raise_if_any()
    for split, writer in writers.items():
        if not writer.images:
            raise UserError(f'{source / annotation_file} has no usable image of split {split!r}')

    write_splits(writers, source, out, images, overwrite)
    return writers


def _add_image(writer: CocoWriter, source: Path, entry: dict, bad_files: BadFiles, decode: bool) -> None:
    """Adds an image with its boxes, or notes and counts what is wrong with it."""
    path = source / entry['path']
    cause, detail = None, ''
    try:
        size = image_size(path, decode)
    except FileNotFoundError:
        cause = 'missing image'
    except ValueError as error:
        cause, detail = 'corrupt image', str(error)
    else:
        try:
            boxes = [(item['category'], _corners(item['bbox'])) for item in entry['objects']]
        except (KeyError, TypeError, ValueError) as error:
            cause, detail = 'bad annotation', repr(error)
    if cause is None:
        writer.add_image(entry['path'], *size, boxes)
    else:
        bad_files.add(cause, path, detail)
        writer.counts[cause] += 1


def _read_entries(path: Path) -> list[dict]:
    """The image entries, in the order of their numeric ids."""
    if not path.is_file():
        raise MissingFileError(f"annotation file {path} is missing: is the folder TT100K's data folder?")
    text = path.read_text(encoding='utf-8')
    if not text.strip():
        raise UserError(f'annotation file {path} is empty')
    try:
        entries = list(json.loads(text)['imgs'].values())
        return sorted(entries, key=lambda entry: (Path(entry['path']).parts[0], int(entry['id'])))
    except json.JSONDecodeError as error:
        raise UserError(f'annotation file {path} is no valid JSON: {error}') from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"annotation file {path} isn't in TT100K's format: {error!r}") from error


def _corners(bbox: dict) -> tuple[float, ...]:
    """xmin, ymin, xmax, ymax as finite numbers; KeyError, TypeError or ValueError otherwise."""
    corners = tuple(float(bbox[name]) for name in ('xmin', 'ymin', 'xmax', 'ymax'))
    if not all(map(math.isfinite, corners)):
        raise UserError(f'a box corner is not finite: {bbox}')
    return corners
