"""A detection model for SAHI, so that its slicing and its ``sahi predict`` run this package's detectors.

``python -m mmdet_efpn.inference.sahi_model predict --model_type mmdet_efpn ...`` is ``sahi predict``
that knows the model type.
"""

import functools
import sys
from types import ModuleType
from typing import Any

import numpy as np

from ..utils.errors import UserError
from ..utils.optional_packages import import_optional
from .predictor import Predictor

MODEL_TYPE, CLASS_NAME = 'mmdet_efpn', 'EfpnDetectionModel'


def register_with_sahi() -> type:
    """Makes ``model_type='mmdet_efpn'`` known to SAHI in this process.

    ``sahi.AutoDetectionModel.from_pretrained(model_type='mmdet_efpn', model_path='model.pth')`` then
    gives the class that is returned here. ``model_path`` is a packed model, or a checkpoint of
    ``config_path``.

    Raises:
        MissingPackageError: ``sahi`` is not installed.
    """
    auto = import_optional('sahi.auto_model', 'infer', 'register_with_sahi()')
    kind = detection_model_class()
    home = ModuleType(f'sahi.models.{MODEL_TYPE}')
    setattr(home, CLASS_NAME, kind)
    sys.modules[home.__name__] = home
    auto.MODEL_TYPE_TO_MODEL_CLASS_NAME[MODEL_TYPE] = CLASS_NAME
    return kind


@functools.lru_cache
def detection_model_class() -> type:
    """The class, made once: its base is in ``sahi``, which need not be installed."""
    base = import_optional('sahi.models.base', 'infer', 'SAHI')
    return type(
        CLASS_NAME,
        (_Methods, base.DetectionModel),
        dict(__doc__="SAHI's view of a :class:`Predictor`; tiles go to the detector in batches."),
    )


class _Methods:
    """What SAHI asks of a detection model. Images come in RGB."""

    model: Any
    category_mapping: dict | None
    _original_predictions: Any
    _object_prediction_list_per_image: Any

    def load_model(self) -> None:
        """Loads what ``model_path`` and ``config_path`` name."""
        mine: Any = self
        if mine.image_size is not None:
            raise UserError(
                'image_size: the size of an image is that of the test pipeline in the config'
            )
        model = mine.config_path or mine.model_path
        weights = mine.model_path if mine.config_path else None
        self.set_model(Predictor(model, weights, str(mine.device), show_progress=False))

    def set_model(self, model: Predictor, **kwargs: Any) -> None:
        """Takes a detector that is loaded."""
        self.model = model
        if not self.category_mapping:
            self.category_mapping = {str(n): name for n, name in enumerate(model.classes)}

    @property
    def num_categories(self) -> int:
        """How many classes there are."""
        return len(self.model.classes)

    @property
    def category_names(self) -> list[str]:
        """Their names."""
        return list(self.model.classes)

    @property
    def has_mask(self) -> bool:
        """Masks are not passed on."""
        return False

    def perform_inference(self, image: np.ndarray) -> None:
        """Runs the detector on one image."""
        self.perform_batch_inference([image])

    def perform_batch_inference(self, images: list[np.ndarray]) -> None:
        """Runs it on several at once."""
        pixels = [np.ascontiguousarray(image[..., ::-1]) for image in images]
        self._original_predictions = self.model(pixels, batch_size=len(pixels), workers=0)['predictions']

    def _create_object_prediction_list_from_original_predictions(
        self, shift_amount_list: Any = None, full_shape_list: Any = None
    ) -> None:
        mine: Any = self
        prediction = import_optional('sahi.prediction', 'infer', 'SAHI')
        compatible = import_optional('sahi.utils.compatibility', 'infer', 'SAHI')
        shifts = compatible.fix_shift_amount_list(shift_amount_list or [[0, 0]])
        shapes = compatible.fix_full_shape_list(full_shape_list)
        lists = []
        for number, found in enumerate(self._original_predictions):
            objects = []
            shape = None if shapes is None else [int(side) for side in shapes[number]]
            for label, score, box in zip(found['labels'], found['scores'], found['bboxes'], strict=True):
                if score < mine.confidence_threshold or box[0] >= box[2] or box[1] >= box[3]:
                    continue
                objects.append(
                    prediction.ObjectPrediction(
                        bbox=[max(side, 0) for side in box],
                        category_id=label,
                        category_name=mine.category_mapping[str(label)],
                        score=score,
                        shift_amount=[int(pixels) for pixels in shifts[number]],
                        full_shape=shape,
                    )
                )
            lists.append(objects)
        self._object_prediction_list_per_image = lists


if __name__ == '__main__':
    register_with_sahi()
    import_optional('sahi.cli', 'infer', 'sahi predict').app()
