"""DeepPCB's own layout to COCO annotation files."""

from collections.abc import Sequence
from pathlib import Path

from ...utils.errors import MissingFileError, UserError
from ..class_names import DEEPPCB_CLASSES
from .coco_writer import CocoWriter, image_size, write_splits
from .report import BadFiles

KNOWN_SPLITS = ('train', 'val', 'trainval', 'test')


def convert_deeppcb(
    source: str | Path,
    out: str | Path,
    splits: Sequence[str] | None = None,
    images: str = 'symlink',
    skip_bad: bool = False,
    overwrite: bool = False,
) -> dict[str, CocoWriter]:
    """Write ``out/annotations/{split}.json`` and ``out/images`` for DeepPCB.

    A line of ``source/{split}.txt`` names ``IMAGE.jpg ANNOTATION.txt``; the tested board is
    ``IMAGE_test.jpg``. A line of an annotation file is ``x1 y1 x2 y2 type`` in pixels, with types
    1..6 in the order of ``DEEPPCB_CLASSES``.

    Args:
        source: Folder with the lists.
        out: Folder to write to.
        splits: Names of the lists to convert. Default: those of train, val, trainval, test that
            exist.
        images: ``'symlink'`` links ``out/images`` to ``source``, ``'copy'`` copies, ``'none'``
            leaves images alone.
        skip_bad: Leave out images with a missing or damaged file and count them, rather than stop.
        overwrite: Replace annotation files that are there and say something else.

    Returns:
        The writer of each split, with its ``counts``. Skipped files are counted there too, by
        cause.

    Raises:
        ExistingFileError: Annotation files are there that say something else.
        MissingFileError: A list, an image or an annotation file is missing.
        UserError: A list is empty, or an image or an annotation line is damaged.

    Source: Tang et al., "Online PCB Defect Detector On A New PCB Defect Dataset", 2019.
    """
    source, out = Path(source), Path(out)
    splits = _splits_of(source) if splits is None else splits
    sizes: dict[Path, tuple[int, int]] = {}
    bad_files = BadFiles(skip=skip_bad)
    writers = {}
    for split in splits:
        split_bad_files = BadFiles(skip=True)
        writers[split] = _read_split(source, split, sizes, split_bad_files)
        writers[split].counts.update(split_bad_files.counts)
        bad_files.merge(split_bad_files)
    bad_files.raise_if_any()

    write_splits(writers, source, out, images, overwrite)
    return writers


def _splits_of(source: Path) -> list[str]:
    splits = [split for split in KNOWN_SPLITS if (source / f'{split}.txt').is_file()]
    if not splits:
        wanted = ', '.join(f'{split}.txt' for split in KNOWN_SPLITS)
        raise MissingFileError(
            f'{source} has none of {wanted}: is it the folder of DeepPCB with the lists?'
        )
    return splits


def _read_split(
    source: Path, split: str, sizes: dict[Path, tuple[int, int]], bad_files: BadFiles
) -> CocoWriter:
    list_file = source / f'{split}.txt'
    if not list_file.is_file():
        raise MissingFileError(f'{list_file} is missing')
    rows = [line.split() for line in list_file.read_text().splitlines() if line.strip()]
    if not rows:
        raise UserError(f'{list_file} is empty')

    writer = CocoWriter(DEEPPCB_CLASSES)
    for number, row in enumerate(rows, start=1):
        if len(row) != 2:
            bad_files.add('bad line', f'{list_file}:{number}', 'expected "IMAGE.jpg ANNOTATION.txt"')
            continue
        file_name = str(Path(row[0]).with_name(Path(row[0]).stem + '_test.jpg'))
        path, annotation_path = source / file_name, source / row[1]
        try:
            if path not in sizes:
                sizes[path] = image_size(path)
            boxes = read_boxes(annotation_path)
        except FileNotFoundError as error:
            kind = 'annotation file' if error.filename == str(annotation_path) else 'image'
            bad_files.add(f'missing {kind}', annotation_path if kind != 'image' else path)
        except ValueError as error:
            kind = 'annotation file' if path in sizes else 'image'
            bad_files.add(f'corrupt {kind}', annotation_path if kind != 'image' else path, str(error))
        else:
            writer.add_image(file_name, *sizes[path], boxes)
    return writer


def read_boxes(path: str | Path) -> list[tuple[str, tuple[int, int, int, int]]]:
    """``(class name, (x1, y1, x2, y2))`` of each line; an unknown type is named ``'type N'``.

    Raises:
        MissingFileError: There is no such file.
        UserError: A line isn't five whole numbers.
    """
    boxes = []
    for number, line in enumerate(Path(path).read_text().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            x1, y1, x2, y2, kind = (int(word) for word in line.split())
        except ValueError:
            raise UserError(f'line {number} is {line!r}, expected "x1 y1 x2 y2 type"') from None
        known = 1 <= kind <= len(DEEPPCB_CLASSES)
        boxes.append((DEEPPCB_CLASSES[kind - 1] if known else f'type {kind}', (x1, y1, x2, y2)))
    return boxes
