"""Errors of a run by kind and size, and its worst pictures."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure

from ..evaluation import AnnotatedSet, errors
from ..utils.errors import UserError
from ..visualization import read_rgb
from ..visualization import report_page as html

WIDEST = 1600  # of a picture on the page, in pixels
Watch = Callable[[Iterable], Iterable]


def errors_part(counted: errors.ErrorReport) -> str:
    """A table and a plot of errors by kind and size."""
    counts, ranges = counted.counts(), {size.words: size.range_text for size in counted.sizes}
    head = ('size', *next(iter(counts.values())))
    rows: html.Rows = []
    for words, row in counts.items():
        other = ranges.get(words, words)
        name = words if other == words else f'{words} ({other})'
        rows.append((name, *(str(value) for value in row.values())))
    note = (
        f"TIDE's kinds, at IoU 0.5 and scores from {counted.score_thr:g}; the "
        f"{counted.most} surest detections a picture count. Sizes are the object's."
    )
    table = html.Table('Errors by kind', head, rows, note)
    return html.table_as_html(table) + html.figure('Errors by kind and size', _plot(counts))


def worst_part(
    counted: errors.ErrorReport,
    judged: AnnotatedSet,
    predictions: Sequence[dict],
    num: int,
    watch: Watch = lambda pictures: pictures,
) -> str:
    """The pictures with the most errors: annotations left, detections right."""
    worst = counted.worst(num)
    if not worst:
        return html.note('No picture has an error.')
    paths = {entry['img_id']: entry.get('img_path') for entry in predictions}
    names = dict(zip(judged.cat_ids, judged.classes, strict=True))
    made, missing = [], []
    for image in watch(worst):
        path = paths[image.image_id]
        try:
            if path is None:
                raise UserError(f'image of id {image.image_id}: the predictions do not name its file')
            picture = errors.error_picture(read_rgb(path), image, names)
        except UserError as error:
            missing.append(str(error))
            continue
        address = html.jpeg_address(_narrowed(picture), quality=85)
        made.append(html.figure(f'{Path(path).name}: {len(image.errors)} errors', address))
    text = html.note(
        f'The {len(worst)} pictures with the most errors. Left the annotations, right the detections '
        f'from score {counted.score_thr:g}; below each the smallest missed objects, enlarged.'
    )
    if missing:
        more = f' and {len(missing) - 3} more' if len(missing) > 3 else ''
        text += html.warning(f'Not drawn: {"; ".join(missing[:3])}{more}.')
    return text + ''.join(made)


def _narrowed(picture: np.ndarray) -> np.ndarray:
    if picture.shape[1] <= WIDEST:
        return picture
    size = WIDEST, round(picture.shape[0] * WIDEST / picture.shape[1])
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _plot(counts: dict[str, dict[str, int]]) -> str:
    """One bar a kind, in parts by size."""
    figure = Figure(figsize=(9, 3.6), layout='constrained')
    axes = figure.subplots()
    bottom = np.zeros(len(errors.KINDS))
    sizes = [words for words in counts if words != 'all']
    for number, words in enumerate(sizes):
        heights = np.array([counts[words][kind] for kind in errors.KINDS], dtype=float)
        colour = f'C{number % 10}'
        bars = axes.bar(errors.KINDS, heights, bottom=bottom, label=words, color=colour)
        bottom += heights
    axes.bar_label(bars, [f'{total:.0f}' for total in bottom], size=9)
    axes.set(ylabel='errors', ylim=(0, max(1.1 * float(bottom.max()), 1)))
    axes.legend(frameon=False, fontsize=8)
    return html.svg_address(figure)
