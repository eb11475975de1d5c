"""Boxes in a form that exporters follow: tensors alone, no branch on a number of boxes.

Sizes of maps and batches may be symbols. A number of boxes is never asked for in Python.
"""

from typing import NamedTuple

import torch
from mmdet.models.task_modules import DeltaXYWHBBoxCoder, DistancePointBBoxCoder
from torch import Tensor
from torchvision.ops import nms

NO_SCORE = -1.0  # of candidates that stand for none
MOST = 2**31 - 1  # boxes that NMS leaves


class Candidates(NamedTuple):
    """Boxes before NMS.

    Attributes:
        boxes: (n, 4), x1, y1, x2, y2 in pixels of the network's input.
        scores: (n,).
        groups: (n,), int64: a class or a level; boxes of two groups do not suppress each other.
        pictures: (n,), int64: index in the batch.
    """

    boxes: Tensor
    scores: Tensor
    groups: Tensor
    pictures: Tensor

    def chosen(self, index: Tensor) -> 'Candidates':
        """Those of an index (k,), int64, in its order."""
        return Candidates(*(part.index_select(0, index) for part in self))


def decoded(coder, priors: Tensor, deltas: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes of priors and what a head regressed, clipped to the picture if the coder clips.

    Args:
        coder: ``DeltaXYWHBBoxCoder`` or ``DistancePointBBoxCoder`` of MMDetection.
        priors: (..., 4) anchors or RoIs; (..., 2) points.
        deltas: (..., 4).
        size: Height and width of the picture in pixels.

    Returns:
        (..., 4).

    Source: arXiv:1311.2524, appendix C; FCOS, arXiv:1904.01355, equation 1.
    """
    if isinstance(coder, DistancePointBBoxCoder):
        x, y = priors[..., 0], priors[..., 1]
        left, top, right, bottom = deltas.unbind(-1)
        boxes = torch.stack((x - left, y - top, x + right, y + bottom), dim=-1)
    else:
        boxes = _moved(coder, priors, deltas)
    if not coder.clip_border:
        return boxes
    height, width = size
    x1, y1, x2, y2 = boxes.unbind(-1)
    xs = (x.clamp(min=0).clamp(max=width) for x in (x1, x2))
    ys = (y.clamp(min=0).clamp(max=height) for y in (y1, y2))
    (x1, x2), (y1, y2) = xs, ys
    return torch.stack((x1, y1, x2, y2), dim=-1)


def _moved(coder: DeltaXYWHBBoxCoder, priors: Tensor, deltas: Tensor) -> Tensor:
    deltas = deltas * deltas.new_tensor(coder.stds) + deltas.new_tensor(coder.means)
    corners, opposite = priors[..., :2], priors[..., 2:]
    centres, sides = (corners + opposite) * 0.5, opposite - corners
    largest = abs(torch.log(torch.tensor(16 / 1000)).item())  # of a side's logarithm, as MMDetection
    moves, growth = sides * deltas[..., :2], deltas[..., 2:]
    if coder.add_ctr_clamp:
        moves = moves.clamp(-coder.ctr_clamp, coder.ctr_clamp)
        growth = growth.clamp(max=largest)
    else:
        growth = growth.clamp(-largest, largest)
    centres, half = centres + moves, sides * growth.exp() * 0.5
    return torch.cat((centres - half, centres + half), dim=-1)


def best(scores: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """The largest scores of each row, and where they are.

    Args:
        scores: (B, n), n may be smaller than ``number``.
        number: How many.

    Returns:
        (B, number) twice; what is missing has ``NO_SCORE`` and index 0.
    """
    filled = torch.cat((scores, scores.new_full((scores.shape[0], number), NO_SCORE)), dim=1)
    values, index = filled.topk(number, dim=1)
    return values, index * (index < scores.shape[1])


def at(rows: Tensor, index: Tensor) -> Tensor:
    """Rows (B, n, c) at an index (B, k): (B, k, c)."""
    return rows.gather(1, index[..., None].expand(-1, -1, rows.shape[-1]))


def flat(boxes: Tensor, scores: Tensor, groups: Tensor) -> Candidates:
    """Candidates of boxes (B, k, 4), scores and groups (B, k)."""
    batch, number = scores.shape
    pictures = torch.arange(batch, device=scores.device)[:, None].expand(batch, number)
    return Candidates(boxes.reshape(-1, 4), scores.reshape(-1), groups.reshape(-1), pictures.reshape(-1))


def above(found: Candidates, score: float, smallest_side: float = -1) -> Candidates:
    """Those of a larger score, with sides above ``smallest_side`` if that is not negative."""
    wanted = found.scores > score
    if smallest_side >= 0:
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        wanted = wanted & (sides > smallest_side).all(dim=1)
    return found.chosen(wanted.nonzero().squeeze(1))


def suppressed(
    found: Candidates, iou_threshold: float, per_picture: int, groups: int, batch: int
) -> Candidates:
    """What NMS leaves, best first, up to a number for each picture.

    Args:
        found: The candidates.
        iou_threshold: Boxes that overlap a better one of their group by more are left out.
        per_picture: How many to keep of a picture; below 0: all.
        groups: How many groups there are.
        batch: How many pictures.
    """
    # One box of no size stands at the end, so that the largest coordinate of no boxes is 0.
    largest = torch.cat((found.boxes.reshape(-1), found.boxes.new_zeros(1))).max()
    own = (found.pictures * groups + found.groups).to(found.boxes.dtype)
    kept = nms(found.boxes + (own * (largest + 1))[:, None], found.scores, iou_threshold)
    if torch.compiler.is_compiling():
        # Without a bound, products of numbers of boxes leave int64, and ONNX has no number for that.
        torch._check(kept.shape[0] <= MOST)
    found = found.chosen(kept)
    if per_picture < 0:
        return found
    of_picture = found.pictures[:, None] == torch.arange(batch, device=kept.device)  # n, B
    rank = of_picture.to(torch.int64).cumsum(0).gather(1, found.pictures[:, None]).squeeze(1)
    return found.chosen((rank <= per_picture).nonzero().squeeze(1))
