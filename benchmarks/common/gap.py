"""How near the extended level comes to its teacher on images that nothing was trained on."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmdet_efpn.models.detectors.cross_resolution_distiller import counted_cells, gt_boxes
from mmdet_efpn.models.losses.foreground_background_balanced_loss import positive_cells


@torch.no_grad()
def distillation_gap(distiller: nn.Module, batches: Iterable[dict]) -> dict[str, dict[str, float]]:
    """Mean absolute difference of student and teacher, on objects and beside them.

    Args:
        distiller (nn.Module): A ``CrossResolutionDistiller`` with the weights to judge.
        batches (Iterable[dict]): Batches of a data loader whose samples carry ground truth.

    Returns:
        dict: For ``p3_prime`` and ``p2_prime``: ``foreground``, ``background`` and ``all``, mean over
        cells that count and channels, and ``teacher``, the mean absolute value of the teacher's map,
        as a yardstick. A part without cells is NaN.
    """
    distiller.eval()
    sums: dict[str, dict[str, Tensor]] = {}
    for batch in batches:
        data = distiller.data_preprocessor(batch, False)
        samples = data['data_samples']
        for level, (student, teacher, stride) in distiller.compare(data['inputs']).items():
            counted = counted_cells(samples, student, stride)
            boxes = gt_boxes(samples, 'gt_instances', student)
            positive = positive_cells(boxes, tuple(student.shape[2:]), stride) & counted
            error = (student.float() - teacher.float()).abs().mean(1).double()
            size = teacher.float().abs().mean(1).double()
            parts = dict(
                foreground=(error, positive),
                background=(error, counted & ~positive),
                all=(error, counted),
                teacher=(size, counted),
            )
            level_sums = sums.setdefault(level, {})
            for name, (values, cells) in parts.items():
                both = torch.stack((values[cells].sum(), cells.sum().double()))
                level_sums[name] = level_sums.get(name, 0) + both
    return {
        level: {name: float(total / count) for name, (total, count) in parts.items()}
        for level, parts in sums.items()
    }


@torch.no_grad()
def three_views(distiller: nn.Module, image: Tensor) -> dict[str, Tensor]:
    """The stride-4 pyramid level of the full image, and what the half-size view has in its place.

    Args:
        distiller (nn.Module): A ``CrossResolutionDistiller``.
        image (Tensor): (1, 3, H, W), normalised.

    Returns:
        dict[str, Tensor]: By caption, maps (C, H / 4, W / 4), cropped to the image: P2 of the
        half-size view (upsampled by nearest neighbour), its P2', and the teacher's P2.
    """
    distiller.eval()
    p2_prime, teacher, stride = distiller.compare(image)['p2_prime']
    detector, (_, half) = distiller.detector, distiller.views(image)
    p2 = detector.neck.forward_pyramid(detector.backbone(half)[1:]).levels[0]
    views = {
        'P2 of the half-size view': F.interpolate(p2, scale_factor=2, mode='nearest'),
        "its P2'": p2_prime,
        'P2 of the full image (teacher)': teacher,
    }
    rows, columns = (-(-side // stride) for side in image.shape[2:])
    return {caption: view[0, :, :rows, :columns].float().cpu() for caption, view in views.items()}
