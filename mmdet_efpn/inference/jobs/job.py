"""A prediction from its pictures to its files: shares, journal, writers, end."""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ... import __version__
from ...engine import Place
from ...utils.errors import ExistingFileError, UserError
from ...visualization import palette_of
from ..predictor import Predictor
from ..progress import Progress
from ..reading import Item, Unreadable, image_root, is_video, number_of_frames
from ..records import make_record
from ..tiling import Tiles
from ..writers import FileWriter, Settings, Writer, make_writers, refuse_existing_outputs
from .journal import Journal
from .shares import first_does, share_of, wait_for_all

DEFAULT_FORMATS = ('coco', 'pictures')


@dataclass(frozen=True)
class Job:
    """How pictures are predicted into a folder.

    Attributes:
        out_dir: The folder.
        formats: Names of :data:`FORMATS`.
        score: The lowest score that is kept.
        classes: Names of the classes that are kept; empty: all.
        batch_size: Pictures, or tiles, in a batch.
        workers: Threads that read pictures; 0: read between batches.
        every: Of a video, each frame whose number is a multiple of this.
        tiles: Cut pictures into tiles.
        overwrite: Replace what is there.
        resume: Go on with an interrupted prediction.
        show_progress: Show a progress bar.

    Raises:
        UserError: A value is out of its range, or two contradict each other.
    """

    out_dir: str | Path = 'predictions'
    formats: Sequence[str] = DEFAULT_FORMATS
    score: float = 0.3
    classes: Sequence[str] = ()
    batch_size: int = 1
    workers: int = 2
    every: int = 1
    tiles: Tiles | None = None
    overwrite: bool = False
    resume: bool = False
    show_progress: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise UserError(f'the lowest score must be from 0 to 1, got {self.score}')
        if self.batch_size < 1 or self.every < 1 or self.workers < 0:
            raise UserError(
                'batch_size and every are whole numbers from 1, workers from 0, got '
                f'{self.batch_size}, {self.every} and {self.workers}'
            )
        if self.overwrite and self.resume:
            raise UserError('--overwrite starts anew and --resume goes on: take one of them')


@dataclass(frozen=True)
class Summary:
    """What a prediction came to.

    Attributes:
        pictures: Pictures and frames that were predicted.
        objects: What was found in them.
        resumed: How many pictures an earlier, interrupted prediction had done.
        unreadable: What could not be read.
        written: The files and folders.
        tile_scale: The factor by which the test pipeline resizes tiles.
    """

    pictures: int
    objects: int
    resumed: int
    unreadable: list[Unreadable]
    written: list[Path]
    tile_scale: float = 1.0


def predict_to_folder(
    predictor: Predictor, sources: Sequence[Item], job: Job, place: Place | None = None
) -> Summary | None:
    """Predicts on pictures and writes files, in bounded memory.

    Args:
        predictor: The detector.
        sources: As :func:`find_sources` gives them.
        job: What is wanted.
        place: Which of several processes this is; see :func:`start_shares`.

    Returns:
        Summary: In the first process; ``None`` in the others.

    Raises:
        UserError: Outputs are there already, the interrupted prediction was another one, a class or
            format is unknown, or a format does not fit the pictures.
    """
    sources, place = list(sources), place or Place()
    if sources and not all(item.path for item in sources):
        raise UserError('arrays have no file names: call the predictor itself')
    labels = predictor.labels_of(job.classes) or None
    writers = make_writers(job.formats, _settings(predictor, sources, job))
    journal = Journal(job.out_dir)

    def prepare() -> int:
        _refuse(journal, writers, job)
        for writer in writers:
            writer.check([item.path for item in sources])
        journal.begin(_what_counts(predictor, job), job.resume, job.overwrite)
        journal.read()
        return len(journal)

    resumed = first_does(place, prepare)
    journal.open(place.rank)
    with contextlib.closing(journal):
        scale = _predict_share(predictor, sources, job, place, journal, writers, labels)
        wait_for_all(place)
        summary = first_does(place, lambda: _finish(journal, sources, writers, resumed))
    return replace(summary, tile_scale=scale) if place.rank == 0 else None


def _predict_share(
    predictor: Predictor,
    sources: list[Item],
    job: Job,
    place: Place,
    journal: Journal,
    writers: Sequence[Writer],
    labels: list[int] | None,
) -> float:
    """Predicts what is this process's; gives the factor by which tiles were resized."""
    mine = share_of(sources, place, job.every)
    frames = any(is_video(item.path) for item in sources)
    keep_image = any(writer.needs_image(frames) for writer in writers)
    shown = job.show_progress and place.rank == 0
    with Progress('pictures' if job.tiles is None else 'tiles', shown) as progress:
        if job.tiles is None:
            progress.expect(max(0, _amount(sources, job.every) - len(journal)) // place.world_size)
        stream = predictor.stream(job.batch_size, job.workers, job.tiles, keep_image, progress)
        for done in stream.run(sources, job.every, lambda item: mine(item) and item.key not in journal):
            if isinstance(done, Unreadable):
                journal.add(done)
                continue
            meta = predictor.model.dataset_meta
            record = make_record(done.item, done.sample, meta, job.score, labels)
            for writer in writers:
                writer.write(record, done.image)
            journal.add(record)
    return 1.0 if stream.scenes is None else stream.scenes.scale


def _finish(journal: Journal, sources: list[Item], writers: Sequence[Writer], resumed: int) -> Summary:
    journal.read()
    unreadable, pictures, objects = [], 0, 0
    for one in journal.records(sources):
        if isinstance(one, Unreadable):
            unreadable.append(one)
        else:
            pictures, objects = pictures + 1, objects + len(one.labels)
    for writer in writers:
        if isinstance(writer, FileWriter):
            writer.write_all(_Again(journal, sources))
    journal.remove()
    written = [writer.path for writer in writers if writer.path.exists()]
    return Summary(pictures, objects, resumed, unreadable, written)


class _Again:
    """The journal's records, read anew by each iteration."""

    def __init__(self, journal: Journal, sources: list[Item]) -> None:
        self._journal, self._sources = journal, sources

    def __iter__(self):
        return self._journal.records(self._sources)


def _refuse(journal: Journal, writers: Sequence[Writer], job: Job) -> None:
    """Raises an error where something is there that was not to be replaced or gone on with."""
    if job.resume and journal.folder.exists():
        return
    if not journal.folder.exists():
        try:
            refuse_existing_outputs(writers, job.overwrite)
        except ExistingFileError as error:
            if not job.resume:
                raise
            raise ExistingFileError(
                f'--resume: the prediction in {job.out_dir} is finished, nothing is left to do ({error})'
            ) from None


def _what_counts(predictor: Predictor, job: Job) -> dict[str, Any]:
    """What must be equal where a prediction goes on: everything that changes results."""
    weights = Path(predictor.weights)
    stamp = [weights.stat().st_size, weights.stat().st_mtime_ns] if weights.is_file() else []
    return dict(
        weights=[str(weights.absolute()), *stamp],
        model=predictor.fingerprint,
        score=job.score,
        classes=list(job.classes),
        every=job.every,
        tiles=None if job.tiles is None else asdict(job.tiles),
        formats=sorted(set(job.formats)),
    )


def _settings(predictor: Predictor, sources: list[Item], job: Job) -> Settings:
    info = dict(
        description='predictions of mmdet-efpn',
        version=__version__,
        weights=predictor.weights,
        lowest_score=job.score,
        image_root=image_root(sources),
    )
    if job.tiles is not None:
        info['tiles'] = asdict(job.tiles)
    palette = palette_of(predictor.model.dataset_meta)
    return Settings(Path(job.out_dir), predictor.classes, palette, info)


def _amount(sources: list[Item], every: int) -> int:
    """How many pictures and frames there are, as far as videos know."""
    return sum(
        -(-number_of_frames(item.path) // every) if is_video(item.path) else 1 for item in sources
    )
