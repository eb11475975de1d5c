"""Images as addresses that hold the image."""

import base64
import io

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

JPEG_QUALITY = 88


def svg_address(figure: Figure) -> str:
    """A plot as SVG, the same bytes each time."""
    data = io.BytesIO()
    with matplotlib.rc_context({'svg.hashsalt': 'page'}):
        nothing = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
        figure.savefig(data, format='svg', metadata=nothing)
    return 'data:image/svg+xml;base64,' + base64.b64encode(data.getvalue()).decode()


def jpeg_address(picture: np.ndarray, quality: int = JPEG_QUALITY) -> str:
    """A picture (h, w, 3) uint8 RGB as JPEG."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, data = cv2.imencode('.jpg', np.ascontiguousarray(picture[..., ::-1]), settings)
    return 'data:image/jpeg;base64,' + base64.b64encode(data.tobytes()).decode()
