"""What papers on tiny objects measure: sizes, IoUs and detections a picture, by data set.

Areas are in square pixels of the original picture, bounds included, as COCO's evaluator has them. Where
a paper and the program that its authors published differ, the program counts: published figures are its.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from ..utils.errors import UserError
from ..utils.known_names import nearest
from .rules import NO_LIMIT, Preset, Size


def _sides(key: str, words: str, low: float, high: float | None = None) -> Size:
    return Size(key, words, float(low**2), NO_LIMIT if high is None else float(high**2))


_COCO_SIZES = (_sides('s', 'small', 0, 32), _sides('m', 'medium', 32, 96), _sides('l', 'large', 96))

PRESETS = {
    preset.name: preset
    for preset in (
        # Lin et al., ECCV 2014, and pycocotools.
        Preset('coco', _COCO_SIZES),
        # Wang et al., "Tiny Object Detection in Aerial Images", ICPR 2020; aitodpycocotools has not the
        # paper's bounds at 2 and at 64 px.
        Preset(
            'aitod',
            (
                _sides('vt', 'very tiny', 0, 8),
                _sides('t', 'tiny', 8, 16),
                _sides('s', 'small', 16, 32),
                _sides('m', 'medium', 32),
            ),
            max_dets=(1, 100, 1500),
            ap_max_det=1500,
        ),
        # Cheng et al., "Towards Large-Scale Small Object Detection", TPAMI 2023, section 4; its program
        # takes AP of objects up to 32 px, at 100 detections.
        Preset(
            'soda',
            (
                _sides('eS', 'extremely small', 0, 12),
                _sides('rS', 'relatively small', 12, 20),
                _sides('gS', 'generally small', 20, 32),
                Size('N', 'normal', 1024.0, 2000.0),
            ),
            max_dets=(100, 300, 1000),
            whole=_sides('', 'all small', 0, 32),
        ),
        # Zhu et al., "Vision Meets Drones", and VisDrone2018-DET-toolkit; the sizes are COCO's.
        Preset('visdrone', _COCO_SIZES, max_dets=(1, 10, 100, 500), ap_max_det=500),
        # Yu et al., "Scale Match for Tiny Person Detection", WACV 2020, section 3, and TinyBenchmark.
        Preset(
            'tinyperson',
            (
                _sides('tiny', 'tiny', 1, 20),
                _sides('tiny1', 'tiny1', 1, 8),
                _sides('tiny2', 'tiny2', 8, 12),
                _sides('tiny3', 'tiny3', 12, 20),
                _sides('small', 'small', 20, 32),
                _sides('reasonable', 'reasonable', 32),
            ),
            max_dets=(200,),
            ap_max_det=200,
            whole=_sides('', 'all', 1),
            iou_thrs=(0.25, 0.5, 0.75),
            single_ious=(0.25, 0.5, 0.75),
            sizes_by_iou=True,
            uncertain_too=True,
            other_sizes_too=True,
        ),
        # Zhu et al., "Traffic-Sign Detection and Classification in the Wild", CVPR 2016.
        Preset('tt100k', _COCO_SIZES),
    )
}


def preset_of(
    name: str = 'coco',
    area_edges: Sequence[float] | None = None,
    max_dets: int | Sequence[int] | None = None,
    iou_thrs: float | Sequence[float] | None = None,
) -> Preset:
    """A preset, with other sizes, detections a picture or IoUs on request.

    Args:
        name: One of ``PRESETS``.
        area_edges: Sides in pixels between which the sizes lie, ascending: ``[8, 16]`` makes 0 to 8,
            8 to 16 and from 16. A square of that side has the area that counts.
        max_dets: Detections a picture and class. AP counts the largest number; a single number takes the
            place of the preset's largest.
        iou_thrs: IoU thresholds.

    Raises:
        UserError: There is no such preset, or the numbers are not ascending and positive.

    Example:
        >>> [size.key for size in preset_of(area_edges=[8, 16, 32]).sizes]
        ['0-8', '8-16', '16-32', '32+']
        >>> preset_of('coco', max_dets=500).max_dets
        (1, 10, 500)
    """
    if name not in PRESETS:
        near = nearest(name, PRESETS)
        raise UserError(
            f'preset={name!r}: there is no such preset; '
            + (f'did you mean {near!r}? ' if near else '')
            + f'There are {", ".join(PRESETS)}'
        )
    preset = PRESETS[name]
    if area_edges is not None:
        preset = replace(preset, sizes=_between('area_edges', area_edges))
    if max_dets is not None:
        preset = _counting(preset, max_dets)
    if iou_thrs is not None:
        numbers = [iou_thrs] if isinstance(iou_thrs, (int, float)) else list(iou_thrs)
        _check_ascending('iou_thrs', numbers, highest=1.0)
        preset = replace(preset, iou_thrs=tuple(map(float, numbers)))
        if preset.sizes_by_iou:
            preset = replace(preset, single_ious=preset.iou_thrs)
    return preset


def _between(key: str, edges: Sequence[float]) -> tuple[Size, ...]:
    if not isinstance(edges, Sequence):
        raise UserError(f'{key}={edges!r}: expected a list, such as [8, 16, 32]')
    numbers = [edge for edge in edges if edge != 0]
    _check_ascending(key, numbers)
    sizes = []
    for low, high in pairwise([0, *numbers, float('inf')]):
        text = f'{low:g}+' if high == float('inf') else f'{low:g}-{high:g}'
        sizes.append(_sides(text, f'{text} px', low, None if high == float('inf') else high))
    return tuple(sizes)


def _counting(preset: Preset, max_dets: int | Sequence[int]) -> Preset:
    if isinstance(max_dets, int):
        numbers = [number for number in preset.max_dets[:-1] if number < max_dets] + [max_dets]
    else:
        numbers = list(max_dets)
    _check_ascending('max_dets', numbers)
    if any(number != int(number) for number in numbers):
        raise UserError(f'max_dets={max_dets}: expected whole numbers')
    return replace(preset, max_dets=tuple(map(int, numbers)), ap_max_det=int(numbers[-1]))


def _check_ascending(key: str, numbers: Sequence, highest: float = float('inf')) -> None:
    fine = len(numbers) and all(
        isinstance(n, (int, float)) and not isinstance(n, bool) and 0 < n <= highest for n in numbers
    )
    if not fine or any(low >= high for low, high in pairwise(numbers)):
        limit = '' if highest == float('inf') else f', none above {highest:g}'
        raise UserError(f'{key}={list(numbers)}: expected ascending numbers above 0{limit}')
