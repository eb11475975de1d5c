"""Pictures of errors: annotations left, detections right, missed objects enlarged below."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...utils.outputs import refuse_existing
from ...visualization import draw_boxes, grid, legend, magnified_crops, read_rgb, titled, write_png
from .kinds import BACKGROUND, BOTH, CLASS, DUPLICATE, IGNORED, MISSED, PLACE, RIGHT, ImageErrors

NARROWEST, WIDEST = 640, 1600  # of either half, in pixels
CROP = 96

COLOURS = {
    RIGHT: (40, 200, 60),
    MISSED: (235, 40, 40),
    CLASS: (250, 150, 20),
    PLACE: (250, 230, 40),
    BOTH: (170, 90, 230),
    DUPLICATE: (40, 190, 240),
    BACKGROUND: (240, 60, 200),
    IGNORED: (150, 150, 150),
}


def draw_worst(
    worst: Sequence[ImageErrors],
    paths: Mapping,
    names: Mapping[int, str],
    out_dir: str | Path,
    overwrite: bool = False,
) -> list[Path]:
    """Writes one PNG a picture, ``01_IMAGE_NAME.png`` and so on.

    Args:
        worst (Sequence[ImageErrors]): The pictures, the worst first.
        paths (Mapping): The image file of each id.
        names (Mapping[int, str]): The name of each category.
        out_dir (str | Path): Folder to write to; made if missing.
        overwrite (bool): Replace pictures that are there. Default False.

    Raises:
        MissingFileError, UserError: An image is missing or can't be decoded.
        ExistingFileError: A picture is there already.
    """
    outs = []
    for place, image in enumerate(worst, 1):
        out = Path(out_dir) / f'{place:02}_{Path(paths[image.image_id]).stem}.png'
        refuse_existing(out, overwrite)
        outs.append(out)
    for image, out in zip(worst, outs, strict=True):
        write_png(error_picture(read_rgb(paths[image.image_id]), image, names), out)
    return outs


def error_picture(picture: np.ndarray, errors: ImageErrors, names: Mapping[int, str]) -> np.ndarray:
    """Both halves, a legend and the missed objects of one picture, (h, w, 3) uint8 RGB."""
    scale = min(max(picture.shape[1], NARROWEST), WIDEST) / picture.shape[1]
    truth = [
        (entry, kind, names[entry['category_id']])
        for entry, kind in zip(errors.objects, _kinds_of_objects(errors), strict=True)
    ]
    truth += [(entry, IGNORED, '') for entry in errors.regions]
    found = [
        (entry, kind, f'{names[entry["category_id"]]} {entry["score"]:.2f}')
        for entry, kind in zip(errors.detections, errors.kinds, strict=True)
    ]
    lost = int(errors.missed.sum())
    wrong = len(errors.errors) - lost
    halves = [
        titled(_drawn(picture, truth, scale), f'{len(errors.objects)} objects, {lost} missed'),
        titled(_drawn(picture, found[::-1], scale), f'{len(found)} detections, {wrong} wrong'),
    ]
    sheet = grid(halves, columns=2)
    kinds = [kind for kind in COLOURS if kind in {shown for _, shown, _ in (*truth, *found)}]
    parts = [sheet, legend(kinds, [COLOURS[kind] for kind in kinds], sheet.shape[1])]
    if lost:
        parts.append(_enlarged(picture, errors, names, sheet.shape[1]))
    return np.vstack(parts)


def _kinds_of_objects(errors: ImageErrors) -> list[str]:
    """What became of each object: ``right``, ``missed``, or the kind of a detection that is about it."""
    about = {
        id(entry): kind
        for entry, kind in zip(errors.concerned, errors.kinds, strict=True)
        if entry is not None
    }
    return [
        RIGHT if found else about.get(id(entry), MISSED)
        for entry, found in zip(errors.objects, errors.found, strict=True)
    ]


def _drawn(picture: np.ndarray, boxes: list[tuple[dict, str, str]], scale: float) -> np.ndarray:
    """Boxes in their kind's colour; only errors have their text, so that it hides little."""
    fine = [entry for entry in boxes if entry[1] in (RIGHT, IGNORED)]
    wrong = [entry for entry in boxes if entry[1] not in (RIGHT, IGNORED)]
    drawn = _with_boxes(picture, fine, 1.0, scale, text_height=0)
    return _with_boxes(drawn, wrong, scale, 1.0, text_height=9)


def _with_boxes(
    picture: np.ndarray,
    boxes: list[tuple[dict, str, str]],
    box_scale: float,
    scale: float,
    text_height: int,
) -> np.ndarray:
    return draw_boxes(
        picture,
        corners([entry for entry, _, _ in boxes]) * box_scale,
        range(len(boxes)),
        [text for _, _, text in boxes],
        colours=[COLOURS[kind] for _, kind, _ in boxes],
        scale=scale,
        text_height=text_height,
    )


def _enlarged(
    picture: np.ndarray, errors: ImageErrors, names: Mapping[int, str], width: int
) -> np.ndarray:
    lost = [entry for entry, missed in zip(errors.objects, errors.missed, strict=True) if missed]
    strip = magnified_crops(
        picture,
        corners(lost),
        range(len(lost)),
        [names[entry['category_id']] for entry in lost],
        amount=width // CROP,
        side=CROP,
    )
    strip = np.pad(strip, ((0, 0), (0, width - strip.shape[1]), (0, 0)), constant_values=250)
    return titled(strip, 'missed, the smallest first, enlarged')


def corners(entries: Sequence[dict]) -> np.ndarray:
    """Boxes (n, 4) as x1, y1, x2, y2."""
    boxes = np.array([entry['bbox'] for entry in entries], dtype=float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
