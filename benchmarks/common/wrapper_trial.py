"""Running trackers and semi-supervised pairs in small: a loss, a training step, a prediction."""

import numpy as np
import torch
from mmdet.models.mot import BaseMOTModel
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs, demo_track_inputs
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from mmdet_efpn.extend import unchanged_by_a_step
from mmdet_efpn.utils.pretrained import without_weights

SIZE = (128, 128)
BRANCHES = ('sup', 'unsup_teacher', 'unsup_student')


def build_wrapper(model_cfg: dict) -> nn.Module:
    """Builds a model around a detector with random weights on the CPU; nothing is downloaded.

    The weights are the same each time: boxes of some random weights have negative sides, on which
    RoIAlign fails on the CPU. Re-identification and what links tracks after a video need weights of
    their own and are left out.
    """
    init_default_scope('mmdet')
    cfg = ConfigDict(without_weights(model_cfg))
    for part in ('reid', 'postprocess_model'):
        cfg.pop(part, None)
    if cfg.get('data_preprocessor'):
        cfg.data_preprocessor.pop('batch_augments', None)
    torch.manual_seed(0)
    return revert_sync_batchnorm(MODELS.build(cfg))


def try_wrapper(model: nn.Module, classes: int = 2) -> tuple[float, tuple[str, ...]]:
    """Runs loss, one training step, and prediction.

    A tracker that does not train (SORT, ByteTrack) has its detector's loss.

    Args:
        model (nn.Module): Of :func:`build_wrapper`.
        classes (int): The detector's classes.

    Returns:
        tuple[float, tuple[str, ...]]: The loss, and names of the extension's weights that the step left
        as they were.

    Raises:
        RuntimeError: The loss is not finite, or there is no prediction.
    """
    torch.manual_seed(0)
    MessageHub.get_current_instance().update_info('epoch', 0)
    model.train()
    losses, detector = _losses(model, classes)
    total, _ = detector.parse_losses(losses)
    if not total.isfinite():
        raise RuntimeError(f'the loss is {total.item()}')
    total.backward()
    unchanged = unchanged_by_a_step(model)
    predict(model, classes)
    return float(total.detach()), unchanged


def _losses(model: nn.Module, classes: int) -> tuple[dict, nn.Module]:
    """A wrapper's losses, and the model that adds them up."""
    if hasattr(model, 'student'):
        parts = {name: _images(classes) for name in BRANCHES}
        data = {
            key: {name: part[key] for name, part in parts.items()} for key in ('inputs', 'data_samples')
        }
        return model(**model.data_preprocessor(data, True), mode='loss'), model
    if not isinstance(model, BaseMOTModel):
        return model(**model.data_preprocessor(_images(classes), True), mode='loss'), model
    if hasattr(model, 'track_head'):
        return model(**model.data_preprocessor(_video(model, classes), True), mode='loss'), model
    packed = _images(classes)
    images = torch.stack([image.float() for image in packed['inputs']])
    return model.detector(images, packed['data_samples'], mode='loss'), model.detector


@torch.no_grad()
def predict(model: nn.Module, classes: int) -> None:
    """Predicts on pictures or on a video; without a prediction it is a ``RuntimeError``."""
    model.eval()
    if not isinstance(model, BaseMOTModel):
        preprocess = getattr(model, 'student', model).data_preprocessor
        results = model(**preprocess(_images(classes), False), mode='predict')
        found = all('pred_instances' in result for result in results)
    else:
        (video,) = model(**model.data_preprocessor(_video(model, classes), False), mode='predict')
        found = all('pred_track_instances' in frame for frame in video.video_data_samples)
    if not found:
        raise RuntimeError('there is a picture without a prediction')


def _images(classes: int) -> dict:
    packed = demo_mm_inputs(2, [[3, *SIZE]] * 2, num_classes=max(classes, 2))
    for sample in packed['data_samples']:
        sample.gt_instances.labels %= classes
        sample.set_metainfo(
            dict(batch_input_shape=SIZE, pad_shape=SIZE, homography_matrix=np.eye(3, dtype=np.float32))
        )
    return packed


def _video(model: nn.Module, classes: int) -> dict:
    """A key frame and one more, with masks where the model makes them."""
    detector = getattr(model, 'detector', model)
    masks = getattr(detector, 'with_mask', False) or not hasattr(model, 'detector')
    packed = demo_track_inputs(
        num_frames=2,
        key_frames_inds=[0],
        image_shapes=[(3, *SIZE)],
        num_classes=classes,
        with_mask=masks,
    )
    for frame in packed['data_samples'][0].video_data_samples:
        frame.set_metainfo(dict(scale_factor=(1.0, 1.0), ori_shape=SIZE))
    return packed
