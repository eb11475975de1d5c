"""The same validation pictures at each validation, with annotations and detections."""

from collections.abc import Sequence
from pathlib import Path

import mmcv
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.fileio import get
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import Visualizer


@HOOKS.register_module()
class ValidationPictures(Hook):
    """Draws the first pictures of the validation set, for TensorBoard and the like.

    MMDetection's own hook (``DetVisualizationHook`` with ``draw=True``) draws every 50th batch, counted
    from the training's iteration: others at each validation. These are ``val_NAME``, at the training's
    iteration.

    Args:
        num: How many. Default 8.
        score_thr: Lowest score of a detection that is drawn. Default 0.3.
    """

    def __init__(self, num: int = 8, score_thr: float = 0.3) -> None:
        self.num, self.score_thr = num, score_thr
        self.drawn = 0

    def before_val_epoch(self, runner: Runner) -> None:
        """Begins anew."""
        self.drawn = 0

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[DetDataSample] | None = None,
    ) -> None:
        """Draws what a batch has of the first pictures."""
        for sample in outputs or ():
            if self.drawn >= self.num:
                return
            self.drawn += 1
            image = mmcv.imfrombytes(get(sample.img_path), channel_order='rgb')
            visualizer: Visualizer = runner.visualizer
            visualizer.add_datasample(
                f'val_{Path(sample.img_path).stem}',
                image,
                data_sample=sample,
                show=False,
                pred_score_thr=self.score_thr,
                step=runner.iter,
            )
