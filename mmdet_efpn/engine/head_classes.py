"""Has every head of a detector as many classes as the data sets of its config?"""

import inspect
from collections.abc import Iterator

from mmdet.datasets import CocoDataset, XMLDataset
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config

from ..datasets.checks import check_class_names
from ..utils.config_parts import inner_detector, leaf_datasets
from ..utils.errors import UserError

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
BOX_HEADS = ('bbox_head', 'extended_bbox_head', 'query_head')
MASK_HEADS = ('mask_head', 'point_head', 'mask_iou_head')
CASES = '{head} is {classes}, but {data} has {count} classes ({names}): set {head}={count}'


def check_head_classes(cfg: Config, loaders: tuple[str, ...] = LOADERS) -> None:
    """Compares the number of classes of each head with that of each data set, before anything is built.

    RPNs, class-agnostic masks, semantic branches, teachers and detectors that read words have classes
    of their own and are left out; so are data sets that tell their classes only once they are read.

    Args:
        cfg (Config): A run's config.
        loaders (tuple[str, ...]): Keys of the data loaders that count.

    Raises:
        UserError: Two numbers differ, or ``metainfo.classes`` is a word; the message names the keys.
    """
    sets = list(_sets(cfg, loaders))
    detector = inner_detector(cfg.get('model') or {})
    if not sets or 'language_model' in detector:
        return
    for head, classes, things_alone in _heads(detector, 'model'):
        for data, names, things in sets:
            expected = things if things_alone and things else names
            if classes != len(expected):
                shown = ', '.join(map(str, expected[:4])) + (', ...' if len(expected) > 4 else '')
                raise UserError(
                    CASES.format(head=head, classes=classes, data=data, count=len(expected), names=shown)
                    + ', or metainfo.classes of the data set to those of the head'
                )


def _sets(cfg: Config, loaders: tuple[str, ...]) -> Iterator[tuple[str, list, list]]:
    """Config key, classes and, in panoptic sets, classes of things of each data set that tells them."""
    for key in loaders:
        parts = cfg.get(key) or ()
        for loader in parts if isinstance(parts, (list, tuple)) else [parts]:
            for data in leaf_datasets((loader or {}).get('dataset')):
                kind = DATASETS.get(data['type']) if isinstance(data.get('type'), str) else data['type']
                if not (inspect.isclass(kind) and issubclass(kind, (CocoDataset, XMLDataset))):
                    continue
                metainfo = {**kind.METAINFO, **(data.get('metainfo') or {})}
                names = metainfo.get('classes')
                check_class_names(names, f'{key}.dataset.metainfo.classes')
                if isinstance(names, (list, tuple)) and names:
                    things = metainfo.get('thing_classes') or ()
                    yield f'{key}.dataset ({kind.__name__})', list(names), list(things)


def _heads(detector: dict, where: str) -> Iterator[tuple[str, int, bool]]:
    """Config key, number of classes, and whether it is that of things alone, of each head."""
    for name in (*BOX_HEADS, *MASK_HEADS):
        parts = detector.get(name)
        for place, head in enumerate(parts if isinstance(parts, (list, tuple)) else [parts]):
            key = f'{where}.{name}' + (f'[{place}]' if isinstance(parts, (list, tuple)) else '')
            yield from _head(head, key)
    panoptic = detector.get('panoptic_head')
    if isinstance(panoptic, dict) and isinstance(panoptic.get('num_things_classes'), int):
        things = panoptic['num_things_classes']
        stuff = panoptic.get('num_stuff_classes', 0)
        yield f'{where}.panoptic_head.num_things_classes + num_stuff_classes', things + stuff, False
    roi_heads = detector.get('roi_head')
    for place, roi_head in enumerate(roi_heads if isinstance(roi_heads, (list, tuple)) else [roi_heads]):
        if isinstance(roi_head, dict):
            at = f'[{place}]' if isinstance(roi_heads, (list, tuple)) else ''
            yield from _heads(roi_head, f'{where}.roi_head{at}')


def _head(head, key: str) -> Iterator[tuple[str, int, bool]]:
    if not isinstance(head, dict) or 'type' not in head or head.get('class_agnostic'):
        return
    if isinstance(head.get('head'), dict):  # inside PlainLevelsHead
        yield from _head(head['head'], f'{key}.head')
        return
    count = head['num_classes'] if 'num_classes' in head else _default(head)
    if isinstance(count, int):
        yield f'{key}.num_classes', count, True


def _default(head: dict):
    """A head's number of classes, where its config leaves it to its class."""
    kind = MODELS.get(head['type']) if isinstance(head['type'], str) else head['type']
    for cls in getattr(kind, '__mro__', ()):
        parameter = inspect.signature(cls.__init__).parameters.get('num_classes')
        if parameter is not None and parameter.default is not inspect.Parameter.empty:
            return parameter.default
    return None
