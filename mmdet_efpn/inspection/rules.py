"""What to do about a data set's sizes and numbers of objects: few rules, each with its reason.

The thresholds are choices of this project. What was measured stands in docs/results: P2' gained where
half of the objects were under 17 px at a plain stride of 4, and a larger picture gained more.
"""

from collections.abc import Callable, Mapping

import numpy as np

from .advice import FEW_CELLS, Advice, Facts

MANY, SOME = 0.20, 0.05  # shares of boxes
SHRUNK = 0.95  # a smaller factor of resizing throws detail away
LONGEST = 2000  # px; a picture with a longer side is cut into tiles, not trained on whole
TILE, OVERLAP, MOST_OVERLAP = 800, 0.2, 0.5
SLACK = 0.01  # of a mean IoU; among anchors as good as the best one, the largest is taken
STEPS = (100, 300, 500, 1000, 1500)  # detections a picture
ROOM = 1.5  # detections for each object of a crowded picture
PROPOSALS = 3  # for each object of the fullest picture


Fit = Callable[[float], Mapping[float, float]]


def recommend(facts: Facts, fit: Fit | None = None) -> list[Advice]:
    """All recommendations.

    Args:
        facts (Facts): What was found; one box at least.
        fit (Fit, optional): Gives the mean best IoU by smallest anchor, for pictures resized by a
            factor; see :func:`mmdet_efpn.inspection.anchor_fit.mean_best_ious`.
    """
    tiling = tiling_of(facts)
    scale = scale_of(facts, bool(tiling.command))
    factor = 1.0 if scale.value == facts.scale else 1 / facts.factor
    advice = [extension_of(facts, factor), scale]
    if fit is not None and facts.anchor is not None:
        advice.append(anchor_of(facts.anchor, fit(factor), None if factor == 1 else fit(1.0)))
    advice.append(detections_of(facts))
    if facts.proposals is not None:
        advice.append(proposals_of(facts.counts, *facts.proposals))
    return [*advice, tiling]


def extension_of(facts: Facts, factor: float = 1.0) -> Advice:
    """P2', where many boxes have few cells on the plain pyramid's finest level.

    Args:
        facts (Facts): What was found.
        factor (float): Of the recommended scale beside the present one.
    """
    now, then = facts.small(), facts.small(factor)
    reason = f'{now:.0%} of the boxes are under {facts.few} px'
    reason += f' ({FEW_CELLS} cells at stride {facts.stride})'
    if factor != 1:
        reason += f'; {then:.0%} would be at the scale that is recommended'
    if facts.cannot is not None:
        return Advice("P2'", 'not possible', f'{facts.cannot}; {reason}')
    words = (_worth(now), _worth(then))
    verdict = words[1]
    if words[0] != words[1]:
        verdict = f'at this scale: {words[0]}; at the recommended one: {words[1]}'
    levels = ''
    if 'extend' in words:
        reason += ". P2' has twice as many cells across an object"
        if facts.at_stride_two is not None and facts.at_stride_two < SOME:
            reason += f'. But only {facts.at_stride_two:.0%} of the boxes learn at stride 2 with these '
            reason += 'anchors, so that --levels p3_prime, without that level, does as well'
            levels = ' --levels p3_prime'
        elif not facts.two_stage:
            reason += '. One-stage heads are expensive at stride 2: try --levels p3_prime too'
    if 'perhaps' in words:
        reason += '. Perhaps: if the smallest are what you are after, train both and compare'
    wanted = 'extend' in words and not facts.extended
    command = f'mmdet-efpn extend CONFIG MY_EFPN.py{levels}' if wanted else ''
    if facts.extended:
        verdict = verdict.replace('do not extend', "P2' is not needed").replace('extend', "keep P2'")
    return Advice("P2'", verdict, reason, command=command)


def _worth(share: float) -> str:
    return 'extend' if share >= MANY else 'perhaps' if share >= SOME else 'do not extend'


def scale_of(facts: Facts, tiled: bool) -> Advice:
    """The files' own size, where resizing shrinks them and objects are small."""
    if tiled:
        return Advice('scale', f'{TILE}x{TILE}', 'tiles are not resized', (TILE, TILE))
    share = f'{facts.small():.0%} of the boxes are under {facts.few} px'
    if facts.factor < SHRUNK and facts.small() >= MANY:
        value = (max(facts.original), min(facts.original))
        reason = (
            f'pictures are shrunk to {facts.factor:.0%}, and {share}; in the files it is '
            f'{facts.small(1 / facts.factor):.0%}. On DeepPCB a picture of twice the size gained '
            f"more than P2'; here it has {facts.factor**-2:.1f} times as many pixels"
        )
        options = tuple(f'{key}=({value[0]},{value[1]})' for key in facts.scale_keys)
        return Advice('scale', f"{value[0]}x{value[1]}, the files' own", reason, value, options)
    reason = f'pictures are shrunk to {facts.factor:.0%}' if facts.factor < SHRUNK else ''
    reason = reason or f'pictures are not shrunk (they are at {facts.factor:.0%})'
    if facts.small() >= MANY:
        reason += f'; {share}, so that enlarging may gain, at the price of the pixels'
    else:
        reason += f', and {share}: not many'
    return Advice('scale', f'keep {max(facts.scale)}x{min(facts.scale)}', reason, facts.scale)


def tiling_of(facts: Facts) -> Advice:
    """Tiles, where resizing makes objects small that the files show larger, in large pictures."""
    longest, share = max(facts.original), facts.small()
    if facts.factor < SHRUNK and longest > LONGEST and share >= MANY:
        reach = float(np.percentile(facts.sizes.max(1), 95)) / facts.factor
        overlap = min(MOST_OVERLAP, max(OVERLAP, np.ceil(20 * reach / TILE) / 20))
        reason = (
            f'the files are {longest} px long and are shrunk to {facts.factor:.0%}, which leaves '
            f'{share:.0%} of the boxes under {facts.few} px. Tiles keep every pixel. 19 of 20 boxes are '
            f'at most {reach:.0f} px long there: an overlap of {overlap * TILE:.0f} px is for them'
        )
        command = f'mmdet-efpn convert coco SOURCE OUT --tile {TILE} --overlap {overlap:g}'
        return Advice('tiling', f'yes, {TILE} px', reason, command=command)
    if facts.factor >= SHRUNK:
        reason = 'pictures are not shrunk'
    elif longest <= LONGEST:
        reason = f'files {longest} px long can be trained on whole (limit: {LONGEST} px)'
    else:
        reason = f'only {share:.0%} of the boxes are under {facts.few} px after shrinking'
    return Advice('tiling', 'no', reason)


def anchor_of(
    anchor: tuple[str, float, float],
    fits: Mapping[float, float],
    fits_now: Mapping[float, float] | None = None,
) -> Advice:
    """The largest smallest anchor that fits the boxes as well as the best one, all but ``SLACK``.

    Args:
        anchor (tuple[str, float, float]): As in :class:`Facts`.
        fits (Mapping[float, float]): Mean best IoU by smallest anchor in pixels.
        fits_now (Mapping[float, float], optional): The same at the present scale, if another is
            recommended.
    """
    key, present, unit = anchor
    side = _largest_good(fits)
    others = ', '.join(f'{other:g} px {fit:.2f}' for other, fit in fits.items() if other != side)
    reason = f'boxes have a mean IoU of {fits[side]:.2f} with their best anchor ({others})'
    if fits_now is not None:
        reason += f' at the recommended scale; at this one it would be {_largest_good(fits_now):g} px'
    reason += f'. The config has {present:g} px'
    value = side / unit
    option = f'{key}=[{value:g}]' if key.endswith('scales') else f'{key}={value:g}'
    options = () if side == present else (option,)
    return Advice('smallest anchor', f'{side:g} px', reason, f'{side:g}', options)


def _largest_good(fits: Mapping[float, float]) -> float:
    best = max(fits.values())
    return max(side for side, fit in fits.items() if fit >= best - SLACK)


def detections_of(facts: Facts) -> Advice:
    """Room for the objects of crowded pictures, and for mistakes among the detections."""
    most, crowded = int(facts.counts.max()), float(np.percentile(facts.counts, 99))
    needed = max(most, ROOM * crowded)
    value = next((step for step in STEPS if step >= needed), int(100 * np.ceil(needed / 100)))
    kept = f'keeps {facts.kept[1]}' if facts.kept else 'does not limit them'
    reason = (
        f'the fullest picture has {most} objects, 99 of 100 have at most {crowded:.0f}; the model {kept}'
    )
    if facts.kept and facts.kept[1] >= value:
        value = facts.kept[1]
        return Advice('detections per picture', f'keep {value}', reason, value)
    options = (f'{facts.kept[0]}={value}',) if facts.kept else ()
    return Advice('detections per picture', f'{value}', reason, value, options)


def proposals_of(counts: np.ndarray, before: int, after: int) -> Advice:
    """Proposals for the fullest picture: ``nms_pre`` of each level, and ``max_per_img`` in all."""
    most = int(counts.max())
    needed = PROPOSALS * most
    reason = (
        f'the RPN takes {before} of each level (nms_pre) and keeps {after} (max_per_img); {PROPOSALS} '
        f'for each of the {most} objects of the fullest picture are {needed}'
    )
    enough = int(100 * np.ceil(needed / 100))
    options = tuple(
        f'model.test_cfg.rpn.{key}={enough}'
        for key, value in (('nms_pre', before), ('max_per_img', after))
        if value < needed
    )
    return Advice('proposals', 'more' if options else 'enough', reason, options=options)
