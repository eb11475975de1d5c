"""Predictions on the map."""

import json
from collections.abc import Iterable

import numpy as np

from ...utils.atomic_file import whole_or_not
from ..reading import Unreadable
from ..records import Record
from ..tiling import geo_reference
from .base import FileWriter


class GeoJsonWriter(FileWriter):
    """``predictions.geojson``: a polygon for each object, in longitude and latitude (WGS 84).

    ``properties`` has class, score, picture and the box in its pixels. The pictures must have
    coordinates, such as GeoTIFF.

    Source: RFC 7946.
    """

    place = 'predictions.geojson'

    def check(self, paths: Iterable[str]) -> None:
        """Raises a :class:`UserError` for a picture without coordinates."""
        for path in paths:
            geo_reference(path)

    def write_all(self, done: Iterable[Record | Unreadable]) -> None:
        """Writes the file."""
        with whole_or_not(self.path) as path, path.open('w', encoding='utf-8') as file:
            file.write('{"type": "FeatureCollection", "features": [')
            first = True
            for one in done:
                if isinstance(one, Record) and one.labels:
                    for feature in self._features(one):
                        file.write(('\n' if first else ',\n') + json.dumps(feature))
                        first = False
            file.write('\n]}\n')

    def _features(self, record: Record) -> Iterable[dict]:
        boxes = np.array(record.bboxes, dtype=float).reshape(-1, 4)
        # From the lower left corner against the clock and back to it: (n, 5, 2)
        ring = boxes[:, [0, 3, 2, 3, 2, 1, 0, 1, 0, 3]].reshape(-1, 5, 2)
        degrees = geo_reference(record.path).to_degrees(ring.reshape(-1, 2)).reshape(-1, 5, 2)
        for place, corners in enumerate(degrees.round(8).tolist()):
            yield dict(
                type='Feature',
                geometry=dict(type='Polygon', coordinates=[corners]),
                properties={
                    'class': self.settings.classes[record.labels[place]],
                    'score': record.scores[place],
                    'picture': record.name,
                    'bbox': record.bboxes[place],
                },
            )
