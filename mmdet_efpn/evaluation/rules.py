"""The rules of a metric of boxes: sizes, IoUs, detections a picture, and the figures that follow."""

from dataclasses import dataclass

import numpy as np

NO_LIMIT = 1e5**2  # COCO's upper bound of an area
COCO_IOUS = tuple(np.linspace(0.5, 0.95, 10).tolist())


@dataclass(frozen=True)
class Size:
    """A range of areas: its short name in a figure's name, its words, its bounds in square pixels."""

    key: str
    words: str
    low: float = 0.0
    high: float = NO_LIMIT

    @property
    def range_text(self) -> str:
        """The bounds as sides of a square, in pixels."""
        low, high = (f'{side**0.5:.4g}' for side in (self.low, self.high))
        return f'from {low} px' if self.high >= NO_LIMIT else f'{low} to {high} px'


@dataclass(frozen=True)
class Figure:
    """One number of a metric: its name, a title for tables, and what it averages.

    ``iou`` is ``None`` for the mean over all IoUs; ``size`` a place in :attr:`Preset.areas`.
    """

    name: str
    title: str
    recall: bool
    iou: float | None
    size: int
    max_det: int


@dataclass(frozen=True)
class Preset:
    """How one benchmark measures boxes.

    Attributes:
        name: The preset's name.
        sizes: The ranges of size that have figures of their own.
        max_dets: Detections a picture and class at which recall is taken.
        ap_max_det: Detections a picture and class that AP counts.
        whole: The range of the figures that name no size.
        iou_thrs: IoU thresholds.
        single_ious: Those with figures of their own.
        sizes_by_iou: Whether each size has a figure for each IoU, and none for their mean.
        uncertain_too: Whether annotations marked ``uncertain`` are ignored, beside ``ignore``.
        other_sizes_too: Whether detections inside objects of another size than the one in turn are
            ignored, beside those that match one.
    """

    name: str
    sizes: tuple[Size, ...]
    max_dets: tuple[int, ...] = (1, 10, 100)
    ap_max_det: int = 100
    whole: Size = Size('', 'all')
    iou_thrs: tuple[float, ...] = COCO_IOUS
    single_ious: tuple[float, ...] = (0.5, 0.75)
    sizes_by_iou: bool = False
    uncertain_too: bool = False
    other_sizes_too: bool = False

    @property
    def areas(self) -> tuple[Size, ...]:
        """All ranges that are evaluated, the whole first."""
        return (self.whole, *self.sizes)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, precisions first."""
        return (*self._precisions(), *self._recalls())

    def _precisions(self) -> list[Figure]:
        most = self.ap_max_det
        if self.sizes_by_iou:
            return [
                Figure(_name('mAP', iou, size), _title(iou, size), False, iou, place, most)
                for iou in self._kept_ious()
                for place, size in enumerate(self.areas)
            ]
        found = [Figure('mAP', 'AP', False, None, 0, most)]
        found += [
            Figure(_name('mAP', iou), _title(iou), False, iou, 0, most) for iou in self._kept_ious()
        ]
        return found + [
            Figure(_name('mAP', None, size), _title(None, size), False, None, place, most)
            for place, size in enumerate(self.sizes, 1)
        ]

    def _recalls(self) -> list[Figure]:
        most = self.max_dets[-1]
        found = [
            Figure(f'AR@{number}', f'AR@{number}', True, None, 0, number) for number in self.max_dets
        ]
        for place, size in enumerate(self.sizes, 1):
            for iou in self._kept_ious() if self.sizes_by_iou else (None,):
                name = f'{_name("AR", iou, size)}@{most}'
                found.append(Figure(name, name, True, iou, place, most))
        return found

    def _kept_ious(self) -> list[float]:
        return [iou for iou in self.single_ious if np.isclose(iou, self.iou_thrs).any()]


def _name(kind: str, iou: float | None, size: Size | None = None) -> str:
    parts = [kind, '' if iou is None else f'{100 * iou:.0f}', size.key if size else '']
    return '_'.join(part for part in parts if part)


def _title(iou: float | None, size: Size | None = None) -> str:
    return f'AP{"" if iou is None else f"{100 * iou:.0f}"} {size.words if size else ""}'.strip()
