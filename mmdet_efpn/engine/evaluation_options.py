"""Options of evaluations: pictures of the predictions, test-time augmentation, metrics that work."""

import copy

from mmengine.config import Config

from ..utils.config_parts import leaf_datasets, typed_parts
from ..utils.errors import UserError


def draw_predictions(cfg: Config, show: bool, show_dir: str | None, wait_time: float) -> None:
    """Makes the test loop draw each image's boxes, into a window, into files, or both."""
    hook = cfg.setdefault('default_hooks', {}).setdefault('visualization', {})
    hook.setdefault('type', 'DetVisualizationHook')
    hook['draw'] = True
    if show:
        hook.update(show=True, wait_time=wait_time)
    if show_dir:
        hook['test_out_dir'] = show_dir


def augment_test(cfg: Config) -> None:
    """Switches on test-time augmentation.

    ``cfg.tta_model`` and ``cfg.tta_pipeline`` are used where the config has them; else each image
    is also tested flipped, and the boxes of both are merged by NMS at IoU 0.5, 100 per image.

    Raises:
        UserError: The test pipeline doesn't end in ``PackDetInputs``, so the default can't be
            built.
    """
    tta_model = cfg.get('tta_model') or dict(
        type='DetTTAModel', tta_cfg=dict(nms=dict(type='nms', iou_threshold=0.5), max_per_img=100)
    )
    for dataset in leaf_datasets(cfg.test_dataloader.dataset):
        dataset['pipeline'] = cfg.get('tta_pipeline') or flipped_too(dataset['pipeline'])
    cfg.model = dict(**tta_model, module=cfg.model)


def flipped_too(pipeline: list[dict]) -> list[dict]:
    """A test pipeline that gives each image a second time, flipped.

    Raises:
        UserError: It doesn't end in ``PackDetInputs``.
    """
    if pipeline[-1]['type'] != 'PackDetInputs':
        raise UserError(
            '--tta: give the config a tta_pipeline; its test pipeline does not end in PackDetInputs'
        )
    pack = copy.deepcopy(pipeline[-1])
    seen = tuple(pack.get('meta_keys', ('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')))
    pack['meta_keys'] = seen + tuple(k for k in ('flip', 'flip_direction') if k not in seen)
    flips = [dict(type='RandomFlip', prob=probability) for probability in (0.0, 1.0)]
    return [
        *copy.deepcopy(pipeline[:-1]),
        dict(type='TestTimeAug', transforms=[flips, [pack]]),
    ]


def replace_broken_metrics(cfg: Config) -> list[str]:
    """Puts ``proposal`` in the place of CocoMetric's ``proposal_fast``; says what it changed.

    MMDetection's configs of an RPN alone ask for the fast one, which ends in an error of NumPy from 1.24
    on, as soon as two images have different numbers of objects. Both are average recalls.
    """
    changes = []
    for key in ('val_evaluator', 'test_evaluator'):
        for where, metric in typed_parts(cfg.get(key), key):
            asked = metric.get('metric')
            if 'proposal_fast' not in ([asked] if isinstance(asked, str) else asked or ()):
                continue
            asked = [asked] if isinstance(asked, str) else list(asked)
            metric['metric'] = [name for name in asked if name != 'proposal_fast']
            if 'proposal' not in metric['metric']:
                metric['metric'].append('proposal')
            changes.append(
                f'{where}.metric: proposal_fast to proposal, for MMDetection computes the fast one with '
                'what NumPy 1.24 took out; both are average recalls'
            )
    return changes
