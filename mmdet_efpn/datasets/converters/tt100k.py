"""TT100K's own annotation file to COCO annotation files."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from ..class_names import TT100K_CLASSES
from .coco_writer import CocoWriter, image_size, place_images
from .report import BadFiles


def convert_tt100k(
    source: str | Path,
    out: str | Path,
    splits: Sequence[str] = ('train', 'test'),
    annotation_file: str = 'annotations.json',
    images: str = 'symlink',
    skip_bad: bool = False,
    decode: bool = True,
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

    Returns:
        The writer of each split, with its ``counts``; signs outside the 45 classes are counted as
        ``unknown_class``, by name in ``unknown_classes``.

    Raises:
        FileNotFoundError: The annotation file or an image is missing.
        ValueError: The annotation file or an image is damaged, or a split has no image.

    Source: Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
    """
    source, out = Path(source), Path(out)
    entries = _read_entries(source / annotation_file)
    bad_files = BadFiles(skip=skip_bad)
    writers = {split: CocoWriter(TT100K_CLASSES) for split in splits}
    for entry in entries:
        split = Path(entry['path']).parts[0]
        if split not in writers:
            continue
        try:
            size = image_size(source / entry['path'], decode)
        except FileNotFoundError:
            cause, detail = 'missing image', ''
        except ValueError as error:
            cause, detail = 'corrupt image', str(error)
        else:
            try:
                boxes = [(item['category'], _corners(item['bbox'])) for item in entry['objects']]
            except (KeyError, TypeError, ValueError) as error:
                cause, detail = 'bad annotation', repr(error)
            else:
                writers[split].add_image(entry['path'], *size, boxes)
                continue
        bad_files.add(cause, source / entry['path'], detail)
        writers[split].counts[cause] += 1
    bad_files.raise_if_any()
    for split, writer in writers.items():
        if not writer.images:
            raise ValueError(f'{source / annotation_file} has no usable image of split {split!r}')

    file_names = [image['file_name'] for writer in writers.values() for image in writer.images]
    place_images(source, out / 'images', file_names, images)
    for split, writer in writers.items():
        writer.write(out / 'annotations' / f'{split}.json')
    return writers


def _read_entries(path: Path) -> list[dict]:
    """The image entries, in the order of their numeric ids."""
    if not path.is_file():
        raise FileNotFoundError(
            f"annotation file {path} is missing: is the folder TT100K's data folder?"
        )
    text = path.read_text(encoding='utf-8')
    if not text.strip():
        raise ValueError(f'annotation file {path} is empty')
    try:
        entries = list(json.loads(text)['imgs'].values())
        return sorted(entries, key=lambda entry: (Path(entry['path']).parts[0], int(entry['id'])))
    except json.JSONDecodeError as error:
        raise ValueError(f'annotation file {path} is no valid JSON: {error}') from error
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"annotation file {path} isn't in TT100K's format: {error!r}") from error


def _corners(bbox: dict) -> tuple[float, ...]:
    """xmin, ymin, xmax, ymax as finite numbers; KeyError, TypeError or ValueError otherwise."""
    corners = tuple(float(bbox[name]) for name in ('xmin', 'ymin', 'xmax', 'ymax'))
    if not all(map(math.isfinite, corners)):
        raise ValueError(f'a box corner is not finite: {bbox}')
    return corners
