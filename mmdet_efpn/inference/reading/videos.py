"""Frames of videos, read one after the other: seeking is not exact in most formats."""

from collections.abc import Callable, Iterator

import cv2
import numpy as np

VIDEO_SUFFIXES = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv')
MISSING_AT_END = 2  # frames; a container's count is often an estimate


def frames_of(path: str, wanted: Callable[[int], bool]) -> Iterator[tuple[int, np.ndarray | str]]:
    """The frames of a video.

    Args:
        path: The file.
        wanted: Whether the frame of this number, counted from 0, is decoded and given.

    Yields:
        Number and picture (h, w, 3), BGR uint8; or a number and a sentence that says why there are no
        more, where the file ends before the number of frames that it says.
    """
    video = cv2.VideoCapture(path)
    try:
        if not video.isOpened():
            yield 0, 'it cannot be opened as a video'
            return
        said, number = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0
        while video.grab():
            if wanted(number):
                read, image = video.retrieve()
                if not read:
                    break
                yield number, image
            number += 1
        if number < said - MISSING_AT_END or number == 0:
            yield number, f'it ends after {number} of {max(said, 0)} frames'
    finally:
        video.release()


def number_of_frames(path: str) -> int:
    """How many frames a video says it has; 0 where it cannot be opened."""
    video = cv2.VideoCapture(path)
    try:
        return max(int(video.get(cv2.CAP_PROP_FRAME_COUNT)), 0) if video.isOpened() else 0
    finally:
        video.release()
