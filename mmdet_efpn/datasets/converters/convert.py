"""The way of every data set to COCO format: read, check against the pictures, cut, count, write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from ...utils.errors import MissingFileError, UserError
from ...utils.known_names import nearest
from .coco_writer import CocoWriter
from .job import Job
from .output import write_output
from .picture import ReadOptions
from .report import raise_if_faulty
from .tiles import Tiling

# Where each format's reader is. The first of them that recognises a folder reads it.
READERS = {
    'deeppcb': 'field.deeppcb',
    'tt100k': 'field.tt100k',
    'visdrone': 'field.visdrone',
    'aitod': 'field.aitod',
    'soda-d': 'field.soda_d',
    'soda-a': 'field.soda_a',
    'dota': 'field.dota',
    'tinyperson': 'field.tinyperson',
    'uavdt': 'field.uavdt',
    'hit-uav': 'field.hit_uav',
    'voc': 'general.voc',
    'yolo': 'general.yolo',
    'labelme': 'general.labelme',
    'cvat': 'general.cvat',
    'openimages': 'general.openimages',
    'coco': 'general.coco',
}
BAD_FILES = (
    'missing image',
    'missing annotation file',
    'corrupt image',
    'corrupt annotation file',
    'bad annotation',
    'bad line',
)
HOW = ('symlink', 'copy', 'none')  # to show images
EXIF = ('shown', 'stored')


@dataclass
class ConvertOptions:
    """How a data set is converted.

    Attributes:
        read: What the reader is told.
        images: ``'symlink'`` links ``out/images`` to the pictures' folder, ``'copy'`` copies them,
            ``'none'`` leaves images alone.
        strict: Anything left out or changed is an error.
        skip_bad: Whether missing and damaged files are left out and counted; otherwise an error.
        decode: Decode every picture to find damaged ones; otherwise read only the headers.
        overwrite: Replace annotation files that are there and say something else.
        exif: What boxes refer to where EXIF turns a picture and the labels don't tell: ``'shown'``,
            the turned picture, or ``'stored'``. Default: such a picture is left out.
        shares: New splits by name with their shares, such as ``{'train': 0.8, 'val': 0.2}``.
        seed: Decides which picture goes to which of them.
        tiling: How big pictures are cut. Default: they are not.

    Raises:
        UserError: ``images`` or ``exif`` is none of these.
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    images: str = 'symlink'
    strict: bool = False
    skip_bad: bool = True
    decode: bool = True
    overwrite: bool = False
    exif: str | None = None
    shares: Mapping[str, float] | None = None
    seed: int = 0
    tiling: Tiling | None = None

    def __post_init__(self) -> None:
        if self.images not in HOW:
            raise UserError(f"images must be 'symlink', 'copy' or 'none', got {self.images!r}")
        if self.exif not in (None, *EXIF):
            raise UserError(f"exif must be 'shown' or 'stored', got {self.exif!r}")


def reader_of(name: str):
    """The module that reads a format: ``read(source, options, note)`` and ``recognise(source)``."""
    if name not in READERS:
        near = nearest(name, READERS)
        hint = f'did you mean {near}? ' if near else ''
        raise UserError(f'no such format: {name!r}; {hint}known: {", ".join(READERS)}')
    return import_module(f'.{READERS[name]}', __package__)


def convert(
    name: str, source: str | Path, out: str | Path, options: ConvertOptions | None = None
) -> dict[str, CocoWriter]:
    """Write ``out/annotations/SPLIT.json`` for each split of a data set, and ``out/images``.

    Args:
        name: The format, one of ``READERS``.
        source: The data set's folder, or its file where the format has one.
        out: Folder to write to.
        options: How.

    Returns:
        The writer of each split, with its ``report``.

    Raises:
        ExistingFileError: Something is there that would be lost.
        MissingFileError: The source lacks what the format needs.
        UserError: The labels cannot be read, a name leads out of the source, no picture is left, or
            ``strict`` found a fault. Nothing was written then.
    """
    options = options or ConvertOptions()
    source = Path(source)
    if not source.exists():
        raise MissingFileError(f'{source} does not exist: name the folder of the data set')
    job = Job(options)
    reading = reader_of(name).read(source, options.read, job.note)
    job.run(reading)
    reports = {split: writer.report for split, writer in job.writers.items()}
    if options.strict:
        raise_if_faulty(reports, None, 'faults, which --strict makes errors')
    if not options.skip_bad:
        raise_if_faulty(reports, BAD_FILES, 'bad files (skip_bad / --skip-bad leaves them out)')
    for split, writer in job.writers.items():
        if not writer.images:
            causes = ' '.join(line.strip() for line in writer.report.lines())
            raise UserError(f'{source} has no usable image of split {split!r}. {causes}')
    write_output(
        job.writers,
        reading.root,
        out,
        options.images,
        options.overwrite,
        job.tiles,
        options.tiling,
    )
    return job.writers
