"""A made batch that any detector can train on: pictures with an object of each size."""

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.structures import InstanceData, PixelData

# x1, y1, x2, y2 in pixels: sides of 8, 8, 14, 6, 28 and 56 px, in a picture of 64x64 or larger.
BOXES = (
    (4, 6, 12, 14),
    (40, 2, 48, 10),
    (20, 4, 34, 18),
    (50, 20, 56, 26),
    (30, 30, 58, 58),
    (4, 4, 60, 60),
)
NAMES = ('cat', 'dog', 'bird')


def made_batch(
    image_size: tuple[int, int],
    num_classes: int = 80,
    channels: int = 3,
    boxes: tuple = BOXES,
    fields: tuple[str, ...] = (),
) -> dict:
    """Two pictures of noise with boxes and a semantic map.

    Args:
        image_size (tuple[int, int]): Height and width in pixels, such that the boxes lie inside.
        num_classes (int): Labels count up to this number and begin again.
        channels (int): Channels of the pictures.
        boxes (tuple): Objects (x1, y1, x2, y2) of the first picture; the second has every other one.
        fields (tuple[str, ...]): What else is there: ``'masks'``, ``'proposals'``, ``'text'``.

    Returns:
        dict: ``inputs``, two (channels, H, W) uint8 tensors, and ``data_samples``, as a data loader
        gives them to a detector's data preprocessor.
    """
    samples = [_sample(part, image_size, num_classes, fields) for part in (boxes, boxes[::2])]
    generator = torch.Generator().manual_seed(0)
    shape = (2, channels, *image_size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    return dict(inputs=list(images), data_samples=samples)


def _sample(
    boxes: tuple, image_size: tuple[int, int], num_classes: int, fields: tuple[str, ...]
) -> DetDataSample:
    height, width = image_size
    sample = DetDataSample(
        metainfo=dict(
            img_id=0,
            img_path='made',
            img_shape=image_size,
            ori_shape=image_size,
            pad_shape=image_size,
            batch_input_shape=image_size,
            scale_factor=(1.0, 1.0),
        )
    )
    if 'text' in fields:
        sample.set_metainfo(dict(text=NAMES, custom_entities=True))
        num_classes = len(NAMES)
    masks = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = 1
    corners = torch.tensor(boxes, dtype=torch.float32)
    sample.gt_instances = InstanceData(bboxes=corners, labels=torch.arange(len(boxes)) % num_classes)
    if 'masks' in fields:
        sample.gt_instances.masks = BitmapMasks(masks.numpy(), height, width)
    if 'proposals' in fields:
        sample.proposals = InstanceData(bboxes=corners + 1, scores=torch.ones(len(boxes)))
    sample.ignored_instances = InstanceData(
        bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
    )
    sample.gt_sem_seg = PixelData(sem_seg=masks.amax(dim=0, keepdim=True).long())
    return sample


def fewest_classes(cfg) -> int:
    """The smallest number of classes that a model's config names; 1 if it names none."""
    return min(_classes(cfg), default=1)


def _classes(cfg) -> list[int]:
    if isinstance(cfg, dict):
        own = [cfg.get(key) for key in ('num_classes', 'num_things_classes')]
        return [n for n in own if isinstance(n, int) and n > 0] + [
            n for value in cfg.values() for n in _classes(value)
        ]
    if isinstance(cfg, (list, tuple)):
        return [n for value in cfg for n in _classes(value)]
    return []
