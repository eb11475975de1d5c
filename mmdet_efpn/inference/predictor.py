"""MMDetection's inferencer for this package's models, with batches of mixed sizes, videos and tiles."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmdet.apis import DetInferencer
from mmdet.structures import DetDataSample
from mmdet.visualization import get_palette
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.visualization import Visualizer

from ..utils.errors import UserError
from ..utils.known_names import nearest
from ..visualization import write_png
from .models import build_predictor, find_model
from .progress import Progress
from .reading import Item, TestPipeline, Unreadable, find_sources
from .results import Predicted, drawn, save_json
from .stream import Stream
from .tiling import Tiles


class Predictor(DetInferencer):
    """Boxes on new pictures.

    It is called as MMDetection's ``DetInferencer``, and gives what that gives. Beside it: a packed model
    is enough; files of weights are read as data, and must fit; pictures of mixed sizes go in batches
    with the results that each has alone; videos, patterns and lists of paths; tiles of huge pictures;
    labels that hide no object.

    Args:
        model: A config, its file or ``package::path``; a packed model (``mmdet-efpn pack``), which needs
            no ``weights``; or the name of a model in MMDetection's metafiles.
        weights: The checkpoint.
        device: Such as ``'cpu'`` or ``'cuda:1'``. Default: a GPU where there is one.
        scope: As in ``DetInferencer``.
        palette: Name of a palette of MMDetection; ``'none'``: the data set's.
        show_progress: Show a progress bar.
        amp: ``'bfloat16'`` or ``'float16'``: run under autocast in this type.
        tta: Test-time augmentation, as ``mmdet-efpn test --tta``.

    Attributes:
        classes: The detector's class names.

    Raises:
        UserError: Something that is needed is missing, or the weights do not fit the model.
    """

    def __init__(
        self,
        model: str | Path | Config | None = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmdet',
        palette: str = 'none',
        show_progress: bool = True,
        *,
        amp: str | None = None,
        tta: bool = False,
    ) -> None:
        # DetInferencer's own constructor runs the config that a checkpoint holds: it is not called.
        self.num_visualized_imgs = self.num_predicted_imgs = 0
        self.scope, self.palette, self.show_progress = scope, palette, show_progress
        self.cfg, self.weights = find_model(model, weights)
        self.model: Any
        self.model, self._context = build_predictor(self.cfg, self.weights, device, amp, tta)
        meta = self.model.dataset_meta
        classes = meta['classes']
        meta['classes'] = (classes,) if isinstance(classes, str) else tuple(classes)
        if palette != 'none':
            meta['palette'] = get_palette(palette, len(meta['classes']))
        self.classes: tuple[str, ...] = meta['classes']
        self._amp = amp
        self.pipeline = TestPipeline(self.cfg)
        self.collate_fn, self.visualizer = pseudo_collate, None

    def __call__(
        self,
        inputs: Any,
        batch_size: int = 1,
        return_vis: bool = False,
        show: bool = False,
        wait_time: int = 0,
        no_save_vis: bool = False,
        draw_pred: bool = True,
        pred_score_thr: float = 0.3,
        return_datasamples: bool = False,
        print_result: bool = False,
        no_save_pred: bool = True,
        out_dir: str = '',
        texts: str | Sequence[str] | None = None,
        *,
        workers: int = 2,
        every: int = 1,
        tiles: Tiles | None = None,
        **prompt: Any,
    ) -> dict:
        """Predicts, and keeps all results in memory; :meth:`stream` does not.

        Args:
            inputs: As :func:`find_sources` takes them: paths, folders, patterns, lists, videos, arrays.
            batch_size: Pictures, or tiles, in a batch.
            return_vis: Give pictures with the boxes, in RGB.
            show: Show them in a window.
            wait_time: How many seconds; 0: until a key is pressed.
            no_save_vis: Do not save them.
            draw_pred: Draw boxes on them.
            pred_score_thr: The lowest score to draw; predictions have all that the detector gives.
            return_datasamples: Give MMDetection's data samples, not dicts.
            print_result: Print what is given.
            no_save_pred: Do not save predictions.
            out_dir: Where to save: pictures in ``vis``, predictions in ``preds``.
            texts: Words for open-vocabulary detectors, one text for each picture or for all.
            workers: Threads that read pictures; 0: read between batches.
            every: Of a video, each frame whose number is a multiple of this.
            tiles: Cut pictures into tiles.
            **prompt: Further keys for the test pipeline, such as ``custom_entities``.

        Returns:
            dict: ``predictions``, a list with a dict for each picture: ``labels``, ``scores``,
            ``bboxes`` (``x1, y1, x2, y2`` in its pixels), ``masks`` where there are any; frames of a
            video have ``video`` and ``frame`` too. And ``visualization``, RGB pictures if asked for.

        Raises:
            UserError: A picture cannot be read, or an argument cannot be used.
        """
        sources = _with_prompts(find_sources(inputs), texts, prompt)
        draws = show or return_vis or (out_dir != '' and not no_save_vis)
        results: dict[tuple, tuple[Any, np.ndarray | None]] = {}
        with Progress('pictures' if tiles is None else 'tiles', self.show_progress) as progress:
            stream = self.stream(batch_size, workers, tiles, keep_image=draws, progress=progress)
            for done in stream.run(sources, every):
                if isinstance(done, Unreadable):
                    raise UserError(f'{done.item.path or done.item.name}: {done.reason}')
                picture = None
                if draws:
                    picture = drawn(done, self.model.dataset_meta, pred_score_thr, draw_pred)
                    self._show(picture, done.item, show, wait_time, '' if no_save_vis else out_dir)
                kept = done.sample
                if not return_datasamples:
                    kept = self._as_dict(done, '' if no_save_pred else out_dir)
                results[done.item.key] = kept, picture if return_vis or out_dir else None
        ordered = [results[key] for key in _in_order(sources, results)]
        answer = dict(
            predictions=[kept for kept, _ in ordered],
            visualization=[picture for _, picture in ordered if picture is not None],
        )
        if print_result:
            print(answer)
        return answer

    @property
    def fingerprint(self) -> str:
        """Equal for equal configs, types of autocast and test-time augmentation."""
        text = repr((self.cfg.to_dict(), self._amp))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def stream(
        self,
        batch_size: int = 1,
        workers: int = 2,
        tiles: Tiles | None = None,
        keep_image: bool = False,
        progress: Progress | None = None,
    ) -> Stream:
        """Predictions in bounded memory: ``stream().run(find_sources(...))``; see :class:`Stream`."""
        return Stream(
            self.cfg, self.model, self.forward, batch_size, workers, tiles, keep_image, progress
        )

    @torch.no_grad()
    def forward(self, inputs: dict, **kwargs: Any) -> list[DetDataSample]:
        """Runs the detector on a batch.

        Raises:
            UserError: The device's memory is too small for it.
        """
        try:
            with self._context():
                return self.model.test_step(inputs)
        except torch.cuda.OutOfMemoryError as error:
            raise UserError(
                f'out of memory: {len(inputs["inputs"])} pictures in a batch are too many or too large; '
                f'take a smaller batch, or tiles ({str(error).splitlines()[0]})'
            ) from error

    def labels_of(self, names: Sequence[str]) -> list[int]:
        """Class numbers of class names.

        Raises:
            UserError: The detector has no such class.
        """
        for name in names:
            if name not in self.classes:
                near = nearest(name, self.classes)
                raise UserError(
                    f'the detector has no class {name!r}; '
                    + (f'did you mean {near!r}? ' if near else '')
                    + f'It has {", ".join(self.classes)}'
                )
        return [self.classes.index(name) for name in names]

    def _show(self, picture: np.ndarray, item: Item, show: bool, wait: int, out_dir: str) -> None:
        if show:
            Visualizer().show(picture, win_name=item.name, wait_time=wait)
        if out_dir:
            suffix = Path(item.name).suffix if item.frame is None else '.png'
            name = f'{item.stem}{suffix}' if item.path else f'{self.num_visualized_imgs:08d}.jpg'
            write_png(picture, Path(out_dir) / 'vis' / name)
        self.num_visualized_imgs += 1

    def _as_dict(self, done: Predicted, out_dir: str) -> dict:
        """A prediction as ``DetInferencer`` gives and saves it."""
        panoptic = 'pred_panoptic_seg' in done.sample
        result = self.pred2dict(done.sample, out_dir if panoptic else '')
        if done.item.frame is not None:
            result.update(video=done.item.path, frame=done.item.frame)
        if out_dir and not panoptic:
            save_json(result, done.item.stem if done.item.path else self.num_predicted_imgs, out_dir)
        self.num_predicted_imgs += 1
        return result


def _in_order(sources: list[Item], keys: Any) -> list[tuple]:
    """Keys of pictures in the order of their sources, frames by their number."""
    place = {item.path or item.name: number for number, item in enumerate(sources)}
    return sorted(keys, key=lambda key: (place[key[0]], key[1] or 0))


def _with_prompts(sources: list[Item], texts: Any, prompt: dict) -> list[Item]:
    """Items with the words that open-vocabulary detectors are asked for."""
    if texts is None and not prompt:
        return sources
    each = [texts] * len(sources) if texts is None or isinstance(texts, str) else list(texts)
    if len(each) != len(sources):
        raise UserError(f'{len(each)} texts for {len(sources)} pictures')
    words = [prompt if text is None else dict(prompt, text=text) for text in each]
    return [replace(item, prompt=own) for item, own in zip(sources, words, strict=True)]
