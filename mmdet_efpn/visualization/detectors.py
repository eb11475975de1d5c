"""A trained detector from its files, and the test set of its config."""

from pathlib import Path

from mmdet.evaluation import get_classes
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.device import get_device
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import init_default_scope
from torch import nn

from ..checkpoints import require_fitting_weights
from ..utils.config_parts import leaf_datasets
from ..utils.errors import UserError
from ..utils.pretrained import without_weights


def load_detector(cfg: Config, checkpoint: str | Path, device: str | None = None) -> nn.Module:
    """A detector with the weights of a checkpoint, ready for :func:`draw_on_images`.

    Class names are the checkpoint's; where it has none, those of the config's test set.

    Args:
        cfg (Config): The detector's config.
        checkpoint (str | Path): Its weights.
        device (str, optional): Where it runs. Default: a GPU where there is one.

    Raises:
        UserError: The checkpoint lacks weights of the config's model, or has some of other shapes.
    """
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    model = revert_sync_batchnorm(MODELS.build(without_weights(cfg.model)))
    meta = require_fitting_weights(model, str(checkpoint)).get('meta') or {}
    model.dataset_meta = _classes(meta) or classes_of_test_set(cfg)
    model.cfg = cfg
    return model.to(device or get_device()).eval()


def build_test_set(cfg: Config) -> BaseDataset:
    """The data set of a config's ``test_dataloader``; the sets of a list of loaders are joined.

    Raises:
        UserError: The config has no test set, or sets of other classes.
    """
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    loaders = cfg.get('test_dataloader')
    if not loaders:
        raise UserError('the config has no test_dataloader; name images instead')
    if isinstance(loaders, dict):
        return DATASETS.build(loaders['dataset'])
    joined = dict(type='ConcatDataset', datasets=[loader['dataset'] for loader in loaders])
    try:
        return DATASETS.build(joined)
    except ValueError as error:  # ConcatDataset's own word for classes that differ
        raise UserError(f'the sets in test_dataloader cannot be drawn together: {error}') from error


def _classes(meta: dict) -> dict:
    """Class names and palette of a checkpoint of MMDetection 3 or 2; empty where it has none."""
    if 'dataset_meta' in meta:
        return {key.lower(): value for key, value in meta['dataset_meta'].items()}
    return dict(classes=meta['CLASSES']) if 'CLASSES' in meta else {}


def classes_of_test_set(cfg: Config) -> dict:
    """Class names and palette of a config's test set; COCO's where it has none."""
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    loaders = cfg.get('test_dataloader') or {}
    loader = loaders if isinstance(loaders, dict) else loaders[0]
    for dataset in leaf_datasets(loader.get('dataset')):
        return dict(DATASETS.build(dict(dataset, lazy_init=True)).metainfo)
    return dict(classes=get_classes('coco'))
