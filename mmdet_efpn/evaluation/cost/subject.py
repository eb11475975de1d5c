"""What a cost is measured of: a model from a config, at an input size."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from mmdet.models.dense_heads import EmbeddingRPNHead
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config, ConfigDict
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData, PixelData
from torch import nn

from ...engine import apply_cfg_options
from ...models.necks.on_demand import DeferredLevel, LevelForRoIs
from ...models.utils.image_channels import image_channels
from ...utils.config_parts import inner_detector
from ...utils.errors import UserError
from ...utils.read_config import read_config

PARTS = ('backbone+neck', 'detector')
BOXES_PER_IMAGE = 20


@dataclass(frozen=True)
class Subject:
    """One row of a comparison.

    Attributes:
        name: How the table calls it.
        config: Path of a config file, or ``package::path`` below that package's configs.
        height, width: Input size in pixels.
        parts: ``'backbone+neck'`` or ``'detector'``.
        options: Changes to the config, dotted keys to values.
        batch_size: Number of images.
    """

    name: str
    config: str
    height: int
    width: int
    parts: str = 'backbone+neck'
    options: dict = field(default_factory=dict)
    batch_size: int = 1

    def build(self) -> nn.Module:
        """Builds the measured model on the CPU with random weights; nothing is downloaded."""
        cfg = self._cfg()
        if self.parts == 'detector':
            return DetectorSteps(cfg.model)
        return BackboneNeckSteps(inner_detector(cfg.model))

    def _cfg(self) -> Config:
        cfg = read_config(self.config)
        apply_cfg_options(cfg, self.options, self.config)
        init_default_scope(cfg.get('default_scope', 'mmdet'))
        return cfg

    def images(self, device: str) -> torch.Tensor:
        """Random images, the same every time: (batch_size, channels, height, width)."""
        generator = torch.Generator().manual_seed(0)
        channels = image_channels(inner_detector(self._cfg().model)['backbone'])
        shape = (self.batch_size, channels, self.height, self.width)
        return torch.randn(shape, generator=generator).to(device)


def parse_subject(
    text: str, size: tuple[int, int], parts: str, options: dict, batch_size: int = 1
) -> Subject:
    """Reads ``CONFIG[@OPTION]...``.

    An option is a scale of the input (``2x``, ``0.5x``) or a change to the config
    (``model.neck.ftt.hidden_channels=128``).

    Raises:
        UserError: An option is neither.
    """
    config, *extras = text.split('@')
    scale, own = 1.0, {}
    for extra in extras:
        if re.fullmatch(r'\d+(\.\d+)?x', extra):
            scale = float(extra[:-1])
        elif '=' in extra:
            key, value = extra.split('=', 1)
            own[key] = _parse_value(value)
        else:
            raise UserError(
                f'"@{extra}" in "{text}" is neither a scale like @2x nor a change '
                'like @model.neck.ftt.hidden_channels=128'
            )
    height, width = (round(side * scale) for side in size)
    name = '@'.join([Path(config).stem, *extras])
    return Subject(name, config, height, width, parts, {**options, **own}, batch_size)


def _parse_value(text: str):
    """A Python literal (``128``, ``[1, 2]``, ``None``), or else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class BackboneNeckSteps(nn.Module):
    """A config's backbone and neck: image (B, 3, H, W) to the tuple of pyramid levels.

    The training step's stand-in loss is the sum of the levels. Frozen stages stay frozen. A P2'
    that is deferred (``neck.sparse``) is computed whole. One that is made on RoIs alone
    (``extension_cfg.on_rois``) counts as far as P3', and ``note`` says so; the convs after the pooling
    are the RoI head's.
    """

    def __init__(self, model_cfg: Mapping):
        super().__init__()
        self.backbone = MODELS.build(model_cfg['backbone'])
        has_neck = model_cfg.get('neck') is not None
        self.neck = MODELS.build(model_cfg['neck']) if has_neck else nn.Identity()

        extension = getattr(self.neck, 'extension', None)
        self.note = ''
        if extension is not None and extension.widen_on_rois:
            self.note = (
                "P2' is widened on RoIs (neck.extension_cfg.widen_on_rois): its last conv is part of "
                'the RoI head and not counted here; --parts detector counts it'
            )
        if extension is not None and extension.on_rois:
            self.note = (
                "P2' is made on RoIs (neck.extension_cfg.on_rois): its convs are part of the "
                'RoI head and not counted here; --parts detector counts them'
            )

    def forward(self, images: torch.Tensor) -> tuple:
        """The pyramid levels of images (B, 3, H, W), finest first."""
        levels = self.neck(self.backbone(images))
        return tuple(level.dense() if isinstance(level, DeferredLevel) else level for level in levels)

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        """A stand-in loss that reaches every level."""
        levels = self(images)
        maps = (level.made if isinstance(level, LevelForRoIs) else level for level in levels)
        return torch.stack([level.sum() for level in maps]).sum()


class DetectorSteps(nn.Module):
    """A whole detector: its tensor mode on an image, and its training loss on random boxes.

    How much a two-stage detector's second stage does depends on the proposals that a model with
    random weights makes of a random image; usually that is the configured maximum.
    """

    def __init__(self, model_cfg: dict):
        super().__init__()
        self.detector = revert_sync_batchnorm(MODELS.build(ConfigDict(model_cfg)))
        for head in self.detector.modules():
            if isinstance(head, EmbeddingRPNHead):  # its boxes are weights, and random ones are no boxes
                with torch.no_grad():
                    head.init_proposal_bboxes.weight[:] = torch.tensor([0.5, 0.5, 1.0, 1.0])
        names = [name.rpartition('.')[2] for name, _ in self.detector.named_modules()]
        self.masks = any(name.startswith(('mask', 'panoptic', 'semantic')) for name in names)
        # HTC's semantic branch compares at the stride of its own maps.
        self.semantic_stride = (
            8 if hasattr(getattr(self.detector, 'roi_head', None), 'semantic_head') else 1
        )

    def forward(self, images: torch.Tensor):
        """The detector's tensor mode on images (B, C, H, W)."""
        return self.detector(images, self._samples(images), mode='tensor')

    def loss(self, images: torch.Tensor) -> torch.Tensor:
        """The training loss on random boxes."""
        losses = self.detector(images, self._samples(images), mode='loss')
        return self.detector.parse_losses(losses)[0]

    def _samples(self, images: torch.Tensor) -> list:
        samples = random_samples(images)
        return add_masks(samples, self.semantic_stride) if self.masks else samples


def add_masks(samples: list, semantic_stride: int = 1) -> list:
    """Gives each sample a mask for each box, the box itself, and a map of one class, in place."""
    for sample in samples:
        height, width = sample.img_shape
        boxes = sample.gt_instances.bboxes.round().long()
        masks = np.zeros((len(boxes), height, width), dtype=np.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes.tolist(), strict=True):
            mask[top : max(bottom, top + 1), left : max(right, left + 1)] = 1
        sample.gt_instances.masks = BitmapMasks(masks, height, width)
        sample.ignored_instances.masks = BitmapMasks(masks[:0], height, width)
        size = (1, -(-height // semantic_stride), -(-width // semantic_stride))
        sample.gt_sem_seg = PixelData(sem_seg=boxes.new_zeros(size))
    return samples


def random_samples(images: torch.Tensor) -> list:
    """One annotated sample per image: boxes of 8 to 64 px at seeded places, all of class 0."""
    height, width = images.shape[-2:]
    generator = torch.Generator().manual_seed(0)
    samples = []
    for _ in range(images.shape[0]):
        sides = 8 + 56 * torch.rand(BOXES_PER_IMAGE, 2, generator=generator)
        room = torch.tensor([width, height]) - sides
        corners = torch.rand(BOXES_PER_IMAGE, 2, generator=generator) * room.clamp(min=0)
        boxes = torch.cat([corners, corners + sides], dim=1).to(images.device)
        labels = torch.zeros(BOXES_PER_IMAGE, dtype=torch.long, device=images.device)
        shape = (height, width)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=shape,
                ori_shape=shape,
                pad_shape=shape,
                batch_input_shape=shape,
                scale_factor=(1.0, 1.0),
            )
        )
        sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
        sample.ignored_instances = InstanceData(bboxes=boxes[:0], labels=labels[:0])
        samples.append(sample)
    return samples
