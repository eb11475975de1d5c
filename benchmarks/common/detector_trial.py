"""Running a detector for real, in small: a loss, a training step and a prediction."""

from dataclasses import dataclass

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from torch import nn

from mmdet_efpn.utils.pretrained import without_weights

IMAGE_SIZE = (64, 128)
BOXES = ((4, 6, 16, 18), (40, 30, 70, 52), (20, 4, 120, 60))
LEARNING_RATE = 1e-4
FEWER = dict(num=32, max_per_img=50, nms_pre=100)  # at most so many samples, boxes, candidates


@dataclass(frozen=True)
class Trial:
    """What a detector did.

    Attributes:
        strides: Strides in pixels of the levels that its heads received.
        channels: Widths of these levels.
        losses: Its training losses by name.
        unchanged: Names of the extension's weights that a training step left as they were.
        num_detections: Detections in both images.
    """

    strides: tuple[int, ...]
    channels: tuple[int, ...]
    losses: dict[str, float]
    unchanged: tuple[str, ...]
    num_detections: int


def build_detector(model_cfg: dict) -> nn.Module:
    """Builds a detector with random weights on the CPU; nothing is downloaded.

    Batch norms are not synchronised, and batches not resized or padded beyond the size divisor.
    Samplers, proposals and detections are limited to a few, and detections of any score are kept, which
    changes no weights.
    """
    init_default_scope('mmdet')
    cfg = ConfigDict(without_weights(model_cfg))
    for part in ('train_cfg', 'test_cfg'):
        cfg[part] = _limited(cfg.get(part))
    if cfg.get('data_preprocessor'):
        cfg.data_preprocessor.pop('batch_augments', None)
    model = revert_sync_batchnorm(MODELS.build(cfg))
    model.init_weights()
    return model


def _limited(cfg):
    """Settings with no more samples, boxes and candidates than ``FEWER``, and no threshold of scores."""
    if isinstance(cfg, dict):
        return type(cfg)(
            {
                key: min(value, FEWER[key])
                if key in FEWER and isinstance(value, int)
                else 0.0
                if key == 'score_thr' and isinstance(value, float)
                else _limited(value)
                for key, value in cfg.items()
            }
        )
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(_limited(value) for value in cfg)
    return cfg


def try_detector(
    model: nn.Module, image_size: tuple[int, int] = IMAGE_SIZE, text: tuple[str, ...] = ()
) -> Trial:
    """Runs loss, one training step, and prediction on two images.

    Args:
        model (nn.Module): The detector.
        image_size (tuple[int, int]): Height and width, at least 64x128 pixels, where the boxes lie.
        text (tuple[str, ...]): Names of classes, for a detector that reads words. Default: none.

    Raises:
        RuntimeError: A loss is not finite, or a prediction is no box.
    """
    torch.manual_seed(0)
    model.train()
    MessageHub.get_current_instance().update_info('epoch', 0)  # as the runner does; TOOD asks for it
    with_masks = model.with_mask or hasattr(model, 'panoptic_head')
    data = model.data_preprocessor(_batch(image_size, with_masks, text), training=True)
    losses = model(**data, mode='loss')
    total, values = model.parse_losses(losses)
    if not total.isfinite():
        raise RuntimeError(f'the loss is {total.item()}')
    unchanged = one_step(model, total)
    model.eval()
    with torch.no_grad():
        data = model.data_preprocessor(_batch(image_size, with_masks, text), training=False)
        levels = model.extract_feat(data['inputs'])
        results = model(**data, mode='predict')
    width = data['inputs'].shape[-1]
    boxes = torch.cat([result.pred_instances.bboxes for result in results])
    if boxes.shape[1] != 4 or not boxes.isfinite().all():
        raise RuntimeError('a predicted box is not four finite numbers')
    return Trial(
        strides=tuple(_stride(width, level.shape[-1]) for level in levels),
        channels=tuple(level.shape[1] for level in levels),
        losses={name: float(value.detach()) for name, value in values.items()},
        unchanged=unchanged,
        num_detections=len(boxes),
    )


def _stride(side: int, cells: int) -> int:
    """The smallest octave by which a side of the image, rounded up, makes so many cells."""
    return next(2**i for i in range(side.bit_length() + 1) if -(-side // 2**i) == cells)


def one_step(model: nn.Module, loss: torch.Tensor) -> tuple[str, ...]:
    """One step of Adam; gives the extension's weights that it did not change, as without a gradient.

    Adam's steps do not hang on the size of the loss, which random weights may make huge.
    """
    weights = {name: weight for name, weight in model.named_parameters() if '.extension.' in name}
    if not weights:
        raise RuntimeError('the detector has no extension: no weight is named .extension.')
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], LEARNING_RATE)
    loss.backward()
    optimizer.step()
    return tuple(name for name, weight in weights.items() if torch.equal(weight, before[name]))


def _batch(image_size: tuple[int, int], with_masks: bool, text: tuple[str, ...]) -> dict:
    """Two images, with boxes, semantic classes and, where asked for, masks."""
    height, width = image_size
    samples = []
    for boxes in (BOXES, BOXES[:1]):
        sample = DetDataSample(
            metainfo=dict(
                img_shape=image_size,
                ori_shape=image_size,
                pad_shape=image_size,
                batch_input_shape=image_size,
                scale_factor=(1.0, 1.0),
            )
        )
        if text:
            sample.set_metainfo(dict(text=text, custom_entities=True))
        masks = torch.zeros(len(boxes), height, width, dtype=torch.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
            mask[top:bottom, left:right] = 1
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32), labels=torch.arange(len(boxes))
        )
        if with_masks:
            sample.gt_instances.masks = BitmapMasks(masks.numpy(), height, width)
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
        )
        sample.gt_sem_seg = PixelData(sem_seg=masks.amax(dim=0, keepdim=True).long())
        samples.append(sample)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8, generator=generator)
    return dict(inputs=list(images), data_samples=samples)
