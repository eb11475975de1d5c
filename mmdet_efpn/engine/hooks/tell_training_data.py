"""What is said of the data before a training's first iteration."""

import logging
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets import boxes_after_pipeline, boxes_by_class, leaves, pictures_of
from ...utils.errors import UserError
from ..checks import shared_pictures, start_table, warn_of_ignored_regions

SHOWN = 3


class TellTrainingData(Hook):
    """Logs one table of the training data; warns of pictures in validation too and of ignored regions.

    Raises:
        UserError: No box of the training set counts.
    """

    def before_train(self, runner: Runner) -> None:
        """Looks at the data sets of the run, which are built by now."""
        training = runner.train_dataloader.dataset
        if not all(_has_boxes(leaf) for leaf in leaves(training)):
            return
        counts, ignored = boxes_by_class(training)
        if not counts:
            raise UserError(
                'train_dataloader.dataset has no box that counts: the detector would learn that all is '
                'background. Check the annotation file and metainfo.classes'
            )
        if not is_main_process():
            return
        validation = runner.val_dataloader.dataset if runner.val_loop is not None else None
        try:
            table = start_table(training, boxes_after_pipeline(training), runner.model, validation)
        except Exception as error:  # a table is no reason to stop a run
            print_log(
                f'no table of the training data: {type(error).__name__}: {error}',
                logger='current',
                level=logging.WARNING,
            )
        else:
            print_log(table, logger='current')
        if regions := warn_of_ignored_regions(ignored, runner.cfg.get('model') or {}):
            print_log(regions, logger='current', level=logging.WARNING)
        if validation is not None:
            _warn_of_shared(training, validation)


def _warn_of_shared(training: Any, validation: Any) -> None:
    shared = shared_pictures(pictures_of(training), pictures_of(validation))
    if shared:
        print_log(
            f'{len(shared)} pictures of val_dataloader.dataset ({_files(validation)}) are in '
            f'train_dataloader.dataset ({_files(training)}) too, so that its figures do not tell '
            f'how well new pictures are done: {", ".join(shared[:SHOWN])}',
            logger='current',
            level=logging.WARNING,
        )


def _files(dataset: Any) -> str:
    return ', '.join(dict.fromkeys(str(getattr(leaf, 'ann_file', '')) for leaf in leaves(dataset)))


def _has_boxes(leaf: Any) -> bool:
    """Whether a data set's first entry has boxes in MMDetection's form, or none at all."""
    if not hasattr(leaf, 'get_data_info') or not len(leaf):
        return False
    info = leaf.get_data_info(0)
    return isinstance(info, dict) and isinstance(info.get('img_path'), str) and 'instances' in info
