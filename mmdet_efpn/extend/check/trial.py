"""Running a detector for real, in small: a loss with its gradients, and a prediction."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch
from mmdet.models.dense_heads import EmbeddingRPNHead
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from ...models.necks.on_demand import LevelForRoIs
from ...utils.pretrained import without_weights
from ..probe import plain_type
from .sample import BOXES, fewest_classes, made_batch

# Height and width of the pictures.
IMAGE_SIZES = ((64, 64), (128, 128), (320, 320))
LEARNING_RATE = 1e-4
FEWER = dict(num=32, nms_pre=100)  # at most so many samples of RoIs, and candidates of a level
FEWER_PROPOSALS = dict(max_per_img=50)
MASKS = 10
COUNTED_PROPOSALS = ('ExtendedRPNHead', 'RPNHead')  # learnt ones have as many detections as proposals

Result = TypeVar('Result')


@dataclass
class Trial:
    """What a detector did.

    Attributes:
        image_size: Height and width in pixels of the pictures.
        losses: Its training losses by name.
        without_gradient: Names of the extension's weights that got no gradient, or zeros alone.
        sizes: Height and width in cells of the levels that its neck gives.
        channels: Widths of these levels.
        num_detections: Detections in the pictures.
    """

    image_size: tuple[int, int]
    losses: dict[str, float] = field(default_factory=dict)
    without_gradient: tuple[str, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ()
    channels: tuple[int, ...] = ()
    num_detections: int = 0

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides in pixels of the levels: the smallest octaves that explain their widths."""
        return tuple(_stride(self.image_size[1], width) for _, width in self.sizes)


def build_detector(model_cfg: dict) -> nn.Module:
    """Builds a detector with random weights, each time the same, on the CPU; nothing is downloaded.

    Batch norms are not synchronised, and batches not resized or padded beyond the size divisor.
    Samplers, proposals and detections are limited to a few, and detections of any score are kept, which
    changes no weights. Learnt proposals begin at half the picture.
    """
    init_default_scope('mmdet')
    cfg = ConfigDict(without_weights(model_cfg))
    for part in ('train_cfg', 'test_cfg'):
        cfg[part] = _limited(cfg.get(part))
    few = (cfg.get('test_cfg') or {}).get('rcnn')
    if isinstance(few, dict) and plain_type(cfg.get('rpn_head') or dict(type='')) in COUNTED_PROPOSALS:
        few['max_per_img'] = MASKS  # each is pasted into the picture, which takes a CPU long
    if cfg.get('data_preprocessor'):
        cfg.data_preprocessor.pop('batch_augments', None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = revert_sync_batchnorm(MODELS.build(cfg))
        model.init_weights()
        _shrink_learnt_proposals(model)
    model.made_batch = partial(
        made_batch,
        num_classes=fewest_classes(model_cfg),
        channels=_channels(model_cfg),
        fields=_fields(model),
    )
    return model


@torch.no_grad()
def _shrink_learnt_proposals(model: nn.Module) -> None:
    """Halves proposals that begin as the whole picture, so that the finest level is pooled."""
    for module in model.modules():
        if isinstance(module, EmbeddingRPNHead):
            module.init_proposal_bboxes.weight[:, 2:] *= 0.5


@torch.no_grad()
def _calm(model: nn.Module) -> None:
    """Keeps boxes of random weights near where they begin: masks of boxes off the picture fail."""
    for name, weight in model.named_parameters():
        if 'fc_reg' in name:
            weight.mul_(0.01)


def _channels(model_cfg: dict) -> int:
    """Channels of the pictures: as many as the data preprocessor has means."""
    mean = (model_cfg.get('data_preprocessor') or {}).get('mean')
    return 3 if mean is None else len(mean)


def _fields(model: nn.Module) -> tuple[str, ...]:
    """What a data sample needs besides boxes."""
    head = getattr(model, 'bbox_head', None)
    masks = (
        getattr(model, 'with_mask', False)
        or hasattr(model, 'panoptic_head')
        or hasattr(head, 'mask_loss_stride')
    )
    proposals = getattr(model, 'with_roi_head', False) and not getattr(model, 'with_rpn', False)
    words = hasattr(model, 'language_model')
    return ('masks',) * bool(masks) + ('proposals',) * bool(proposals) + ('text',) * words


def _limited(cfg, of_rpn: bool = False):
    """Settings with few samples, candidates and proposals, and no threshold of scores."""
    if isinstance(cfg, dict):
        limits = FEWER | FEWER_PROPOSALS if of_rpn else FEWER
        return type(cfg)(
            {
                key: min(value, limits[key])
                if key in limits and isinstance(value, int)
                else 0.0
                if key == 'score_thr' and isinstance(value, float)
                else _limited(value, of_rpn or 'rpn' in key)
                for key, value in cfg.items()
            }
        )
    if isinstance(cfg, (list, tuple)):
        return type(cfg)(_limited(value, of_rpn) for value in cfg)
    return cfg


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keeps warnings, and torch's random numbers, as they were."""
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter('ignore')
        torch.manual_seed(0)
        yield


def run_loss(model: Any, trial: Trial, boxes: tuple = BOXES) -> None:
    """One training loss and its gradients; what came of it is noted in ``trial``.

    Raises:
        RuntimeError: The loss is not finite.
    """
    model.train()
    model.zero_grad()
    hub = MessageHub.get_current_instance()
    hub.update_info_dict(dict(epoch=0, iter=0))  # as the runner does; TOOD and BoxInst ask for them
    batch = model.made_batch(trial.image_size, boxes=boxes)
    data = model.data_preprocessor(batch, training=True)
    total, values = model.parse_losses(model(**data, mode='loss'))
    if not total.isfinite():
        raise RuntimeError(f'the loss is {total.item()}')
    total.backward()
    trial.losses = {name: float(value.detach()) for name, value in values.items()}
    trial.without_gradient = tuple(
        name
        for name, weight in _of_extension(model).items()
        if weight.grad is None or not weight.grad.any()
    )


def run_prediction(model: Any, trial: Trial) -> None:
    """One prediction; what came of it is noted in ``trial``.

    Raises:
        RuntimeError: A predicted box is no box.
    """
    model.eval()
    _calm(model)
    batch = model.made_batch(trial.image_size)
    batch = {name: value[:1] for name, value in batch.items()}  # guided anchoring takes one picture
    with torch.no_grad():
        data = model.data_preprocessor(batch, training=False)
        trial.image_size = tuple(data['inputs'].shape[-2:])  # padded
        levels = _levels_of(model, data)
        results = model(**data, mode='predict')
    trial.sizes = tuple(tuple(level.shape[-2:]) for level in levels)
    trial.channels = tuple(level.shape[1] for level in levels)
    boxes = [result.pred_instances.bboxes for result in results if 'pred_instances' in result]
    if any(b.shape[1] != 4 or not b.isfinite().all() for b in boxes):
        raise RuntimeError('a predicted box is not four finite numbers')
    trial.num_detections = sum(map(len, boxes))


def _levels_of(model: Any, data: dict):
    """The maps that a detector's neck gives, as the heads get them; P2' may be one for RoIs alone."""
    levels = model.extract_feat(data['inputs'])
    kinds = (torch.Tensor, LevelForRoIs)
    return [level for level in levels if isinstance(level, kinds) and len(level.shape) == 4]


def _stride(side: int, cells: int) -> int:
    """The smallest octave by which a side of the image, rounded up, makes so many cells."""
    return next((2**i for i in range(side.bit_length() + 1) if -(-side // 2**i) == cells), 0)


def at_first_size(run: Callable[[tuple[int, int]], Result]) -> Result:
    """What ``run`` gives of the first picture size that does not fail: some detectors have a smallest.

    Args:
        run (Callable): Takes height and width in pixels.

    Raises:
        Exception: That of the largest size, or of the first one where no other picture would help.
    """
    for image_size in IMAGE_SIZES:
        try:
            return run(image_size)
        except Exception as error:
            # Whatever a detector says, most often that a picture is too small for it.
            missing = isinstance(error, ImportError) or 'device cpu not found' in str(error)
            if missing or image_size == IMAGE_SIZES[-1]:
                raise
    raise AssertionError('no picture size')


def unchanged_by_a_step(model: nn.Module) -> tuple[str, ...]:
    """Lets Adam take one step; gives the names of the extension's weights that it did not change.

    Adam's steps do not hang on the size of the loss, which random weights may make huge.

    Args:
        model (nn.Module): With gradients.

    Raises:
        RuntimeError: The model has no extension.
    """
    weights = _of_extension(model)
    if not weights:
        raise RuntimeError('the detector has no extension: no weight is named .extension.')
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    torch.optim.Adam([p for p in model.parameters() if p.requires_grad], LEARNING_RATE).step()
    return tuple(name for name, weight in weights.items() if torch.equal(weight, before[name]))


def _of_extension(model: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in model.named_parameters() if '.extension.' in name}


def try_detector(model: nn.Module, image_size: tuple[int, int]) -> Trial:
    """Runs loss, gradients, one step of Adam, and prediction on two images.

    Args:
        model (nn.Module): What :func:`build_detector` gives.
        image_size (tuple[int, int]): Height and width, at least 64x64 pixels.

    Raises:
        RuntimeError: A loss is not finite, a step leaves a weight of the extension as it was, or a
            prediction is no box.
    """
    with undisturbed():
        trial = Trial(image_size)
        run_loss(model, trial)
        unchanged = unchanged_by_a_step(model)
        if unchanged:
            raise RuntimeError(f'a training step leaves {len(unchanged)} weights as they were')
        model.zero_grad()
        run_prediction(model, trial)
    return trial
