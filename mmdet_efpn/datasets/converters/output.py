"""Writes what a conversion made: all of it, or nothing."""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...utils.errors import ExistingFileError
from ...utils.outputs import refuse_existing
from .coco_writer import CocoWriter
from .tiles import Tile, Tiling, tile_map, write_tiles


def write_output(
    writers: Mapping[str, CocoWriter],
    root: str | Path,
    out: str | Path,
    images: str = 'symlink',
    overwrite: bool = False,
    tiles: Sequence[Tile] = (),
    tiling: Tiling | None = None,
) -> None:
    """Writes ``out/annotations/SPLIT.json`` for each split, and ``out/images``.

    Everything is made in a folder beside its place first, and moved when it is whole. After a
    failure ``out`` is as it was.

    Args:
        writers: The writer of each split.
        root: Folder that the writers' file names are relative to.
        out: Folder to write to.
        images: ``'symlink'`` links ``out/images`` to ``root``, ``'copy'`` copies the pictures that the
            writers name, ``'none'`` leaves ``out/images`` alone.
        overwrite: Replace annotation files that are there and say something else.
        tiles: Tiles to cut into ``out/images`` instead, with ``out/tiles.json``.
        tiling: How they were made.

    Raises:
        ExistingFileError: Something is there that would be lost; nothing was written.
    """
    root, out = Path(root).resolve(), Path(out)
    texts = {out / 'annotations' / f'{split}.json': writer.text() for split, writer in writers.items()}
    if tiles:
        texts[out / 'tiles.json'] = json.dumps(tile_map(tiles, tiling))
        images = 'tiles'
    for path, text in texts.items():
        if path.exists() and (path.is_dir() or path.read_text(encoding='utf-8') != text):
            refuse_existing(path, overwrite)
    target = out / 'images'
    place = images != 'none' and not _shows(target, root, images)
    if place and (target.exists() or target.is_symlink()):
        raise ExistingFileError(f'{target} exists already: remove it, or choose another output folder')

    annotations = out / 'annotations'
    folders = [*reversed(annotations.parents), annotations]
    made = [folder for folder in folders if not folder.exists()]
    refuse_existing(annotations / 'any')  # makes the folders, or says what is in the way
    stage = out / f'.convert.{os.getpid()}.tmp'
    try:
        moves = _make(texts, stage)
        if place:
            _place(writers, root, stage / 'images', images, tiles)
            moves[stage / 'images'] = target
        _move(moves, stage)
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        with contextlib.suppress(OSError):  # another process may have put something there
            for folder in reversed(made):
                folder.rmdir()
        raise
    shutil.rmtree(stage, ignore_errors=True)


def _move(moves: Mapping[Path, Path], stage: Path) -> None:
    """Move everything to its place; after a failure, all is as it was."""
    done: list[tuple[Path, Path | None]] = []
    try:
        for number, (source, goal) in enumerate(moves.items()):
            old = stage / f'old{number}' if goal.is_file() else None
            if old:
                shutil.copy2(goal, old)
            os.replace(source, goal)
            done.append((goal, old))
    except BaseException:
        for goal, old in done:
            _remove(goal)
            if old:
                old.rename(goal)
        raise


def _shows(target: Path, root: Path, images: str) -> bool:
    """Whether a link to the pictures is there already."""
    return images == 'symlink' and target.is_symlink() and target.resolve() == root


def _make(texts: Mapping[Path, str], stage: Path) -> dict[Path, Path]:
    moves = {}
    for number, (path, text) in enumerate(texts.items()):
        staged = stage / f'{number}.json'
        stage.mkdir(exist_ok=True)
        staged.write_text(text, encoding='utf-8')
        moves[staged] = path
    return moves


def _place(
    writers: Mapping[str, CocoWriter], root: Path, target: Path, images: str, tiles: Sequence[Tile]
) -> None:
    if images == 'symlink':
        target.symlink_to(root, target_is_directory=True)
        return
    target.mkdir()
    if images == 'tiles':
        write_tiles(tiles, root, target)
        return
    names = {image['file_name'] for writer in writers.values() for image in writer.images}
    for name in sorted(names):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / name, target / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
