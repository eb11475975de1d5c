"""What is done to the numbers of weights: the first line of each docstring is what the report says."""

import torch
from torch import Tensor

# ---- of the authors' released models (released.py) ----

BATCH_NORM_EPSILON = 1e-5  # what torch and MMDetection add to a variance


def mean_of_affine(scale: Tensor) -> Tensor:
    """A frozen scale becomes a batch norm: its mean is 0."""
    return torch.zeros_like(scale)


def variance_of_affine(scale: Tensor) -> Tensor:
    """A frozen scale becomes a batch norm: its variance is 1 - epsilon, so that it divides by 1."""
    return torch.full_like(scale, 1 - BATCH_NORM_EPSILON)


def background_last(outputs: Tensor) -> Tensor:
    """The background's class output moves from the first place to the last."""
    return torch.cat((outputs[1:], outputs[:1]))


def without_background_box(outputs: Tensor) -> Tensor:
    """The background's four box outputs are dropped."""
    return outputs[4:]


def p2_before_content(weight: Tensor) -> Tensor:
    """The FTT's texture conv reads (P2, content) here: its input channels are swapped."""
    hidden = len(weight)  # (h, h + C, 3, 3): the content is as wide as the output
    return torch.cat((weight[:, hidden:], weight[:, :hidden]), dim=1)


# ---- end of the released models' ----

# ---- of torchvision's and detectron2's detectors (torchvision.py, detectron2.py) ----

COCO_UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # ids that no box of COCO has
COCO_IDS = tuple(i for i in range(1, 91) if i not in COCO_UNUSED)  # in MMDetection's order, 80
RETINANET_ANCHORS = 9  # three sizes, three ratios


def classes_of_torchvision(outputs: Tensor) -> Tensor:
    """Class outputs: background moves from first to last; of 91 (COCO's ids) the 80 in use stay."""
    return torch.cat((_foreground(outputs), outputs[:1]))


def masks_of_torchvision(outputs: Tensor) -> Tensor:
    """Mask outputs: background's is dropped; of 91 (COCO's ids) the 80 in use stay."""
    return _foreground(outputs)


def boxes_of_torchvision(outputs: Tensor) -> Tensor:
    """Box outputs: background's four are dropped; of 91 (COCO's ids) the 80 in use stay."""
    return _foreground(outputs.unflatten(0, (-1, 4))).flatten(0, 1)


def dense_classes_of_torchvision(outputs: Tensor) -> Tensor:
    """Class outputs of each anchor: id 0 is dropped; of 91 (COCO's ids) the 80 in use stay."""
    per_anchor = outputs.unflatten(0, (RETINANET_ANCHORS, -1)).transpose(0, 1)
    return _foreground(per_anchor).transpose(0, 1).flatten(0, 1)


def ratios_outside_sizes(outputs: Tensor) -> Tensor:
    """Outputs of anchors: reordered, for here each ratio has all sizes, there each size all ratios."""
    return outputs.unflatten(0, (3, 3, -1)).transpose(0, 1).flatten(0, 2)


def _foreground(outputs: Tensor) -> Tensor:
    return outputs[list(COCO_IDS)] if len(outputs) == 91 else outputs[1:]


# ---- end of torchvision's and detectron2's ----
