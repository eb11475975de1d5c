"""What the rules read, and what they give."""

from dataclasses import dataclass
from typing import Any

import numpy as np

FEW_CELLS = 4  # cells of the plain pyramid's finest level, across an object


@dataclass(frozen=True)
class Facts:
    """What the rules read.

    Attributes:
        sizes: (n, 2) width and height in pixels of the boxes after resizing.
        counts: (p,) objects of each picture.
        factor: By which pictures are resized, as a rule.
        original: Width and height in pixels of the files, as a rule.
        scale: Longest long side and short side of the resizing, in pixels.
        stride: Of the plain pyramid's finest level.
        two_stage: Whether proposals come before boxes.
        extended: Whether the config has the stride-2 level already.
        cannot: Why it cannot have the level; ``None`` if it can.
        anchor: Config key of the number that sets the anchors' sizes, the smallest anchor in pixels, and
            that in pixels for a value of 1; ``None`` without anchors, or where several numbers set them.
        kept: Config key and number of detections a picture that the model keeps; ``None`` if it does not
            say.
        proposals: The RPN's ``nms_pre`` and ``max_per_img``; ``None`` without one.
        scale_keys: Config keys of the scale.
        at_stride_two: The share of boxes that have a positive on the stride-2 level or are pooled from
            it; ``None`` without such a level, or if it is not known.
    """

    sizes: np.ndarray
    counts: np.ndarray
    factor: float
    original: tuple[int, int]
    scale: tuple[int, int]
    stride: int = 4
    two_stage: bool = True
    extended: bool = False
    cannot: str | None = None
    anchor: tuple[str, float, float] | None = None
    kept: tuple[str, int] | None = ('model.test_cfg.rcnn.max_per_img', 100)
    proposals: tuple[int, int] | None = None
    scale_keys: tuple[str, ...] = ()
    at_stride_two: float | None = None

    @property
    def sides(self) -> np.ndarray:
        """(n,) square roots of the boxes' areas, in pixels after resizing."""
        return np.sqrt(self.sizes.prod(1))

    @property
    def few(self) -> int:
        """Side in pixels of an object with few cells."""
        return FEW_CELLS * self.stride

    def small(self, factor: float = 1.0) -> float:
        """The share of boxes under ``few`` pixels, if resized by ``factor`` once more."""
        return float((self.sides * factor < self.few).mean())


@dataclass(frozen=True)
class Advice:
    """One recommendation.

    Attributes:
        about: ``P2'``, ``scale``, ``smallest anchor``, ``detections per picture``, ``proposals`` or
            ``tiling``.
        verdict: In a few words.
        reason: A sentence.
        value: What the own-data template's line about it takes; ``None`` where it has none.
        options: Words after ``--cfg-options`` that do the same to the config.
        command: A command to run; empty: none.
    """

    about: str
    verdict: str
    reason: str
    value: Any = None
    options: tuple[str, ...] = ()
    command: str = ''
