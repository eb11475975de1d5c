"""UAVDT: vehicles in videos from drones, frame by frame."""

from collections.abc import Callable
from pathlib import Path

from ....utils.errors import MissingFileError
from ...class_names import UAVDT_CLASSES
from ..general.files import first_folder, from_size, numbers, pictures_in, read_text
from ..picture import Box, Note, Picture, Reading, ReadOptions

LABELS = ('UAV-benchmark-MOTD_v1.0/GT', 'GT', 'annotations/GT')
FRAMES = ('UAV-benchmark-M', 'images', 'sequences', '')
LISTS = ('M_attr', 'UAV-benchmark-M/M_attr', 'UAV-benchmark-MOTD_v1.0/M_attr')


def recognise(source: Path) -> str:
    """What shows that a folder is UAVDT's, or an empty text."""
    folder = first_folder(source, LABELS)
    found = sorted((source / folder).glob('*_gt_whole.txt')) if folder else []
    return f'{found[0].relative_to(source)} is there' if found else ''


def read(source: Path, options: ReadOptions, note: Note) -> Reading:
    """Read ``GT/VIDEO_gt_whole.txt`` and ``VIDEO_gt_ignore.txt`` for the frames of each video.

    A line is ``frame, target, x, y, width, height, out of view, occlusion, category``; frames count
    from 1, and so do the names ``img000001.jpg``. Categories are car, truck, bus. Regions of the second
    file are ignored for all classes. Frames without a line are pictures without boxes. The lists
    in ``M_attr/train`` and ``M_attr/test`` are the splits; without them all is one split, ``all``.

    Source: Du et al., "The Unmanned Aerial Vehicle Benchmark", ECCV 2018, and its annotation readme.
    """
    folder = first_folder(source, LABELS)
    if folder is None:
        raise MissingFileError(f'{source} has none of {", ".join(LABELS)}')
    splits = _splits(source)
    pictures = []
    for path in sorted((source / folder).glob('*_gt_whole.txt')):
        video = path.name.removesuffix('_gt_whole.txt')
        split = splits.get(video, 'all' if not splits else 'other')
        if not options.wants(split):
            continue
        frames: dict[int, list[Box]] = {}
        _read_lines(path, frames, _object, split, note)
        ignored = path.with_name(f'{video}_gt_ignore.txt')
        if ignored.is_file():
            _read_lines(ignored, frames, _region, split, note)
        place = first_folder(source, [f'{base}/{video}'.lstrip('/') for base in FRAMES])
        if place is None:
            note(split, 'missing image', f'{source / FRAMES[0] / video}', 'the whole video')
            continue
        for name in pictures_in(source / place, source):
            number = int(''.join(filter(str.isdigit, Path(name).stem)) or 0)
            pictures.append(Picture(split, name, frames.pop(number, [])))
        for number in sorted(frames):
            note(split, 'missing image', source / place / f'img{number:06d}.jpg')
    return Reading(UAVDT_CLASSES, pictures, source, regions=True)


def _splits(source: Path) -> dict[str, str]:
    """The split of each video, by the files in ``M_attr``."""
    folder = first_folder(source, LISTS)
    if folder is None:
        return {}
    return {
        path.name.split('_')[0]: split
        for split in ('train', 'test')
        for path in sorted((source / folder / split).glob('*.txt'))
    }


def _read_lines(path: Path, frames: dict[int, list[Box]], box: Callable, split: str, note: Note) -> None:
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if line.strip():
            try:
                values = numbers(line.strip().rstrip(',').split(','))
                frames.setdefault(int(values[0]), []).append(box(values))
            except (IndexError, TypeError, ValueError) as error:
                note(split, 'bad box', f'{path}:{number}', str(error))


def _object(values: tuple) -> Box:
    category = values[8]
    known = category in (1, 2, 3)
    name = UAVDT_CLASSES[category - 1] if known else f'category {category}'
    return Box(name, from_size(*values[2:6]))


def _region(values: tuple) -> Box:
    return Box(None, from_size(*values[2:6]), ignore=True, crowd=True)
