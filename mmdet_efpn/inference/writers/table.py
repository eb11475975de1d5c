"""Predictions as a table."""

import csv
from collections.abc import Iterable

from ...utils.atomic_file import whole_or_not
from ..reading import Unreadable
from ..records import Record
from .base import FileWriter


class CsvWriter(FileWriter):
    """``predictions.csv``: a line for each object, with its corners in pixels."""

    place = 'predictions.csv'

    def write_all(self, done: Iterable[Record | Unreadable]) -> None:
        """Writes the file."""
        with whole_or_not(self.path) as path, path.open('w', encoding='utf-8', newline='') as file:
            table = csv.writer(file, lineterminator='\n')
            table.writerow(['picture', 'frame', 'class', 'score', 'x1', 'y1', 'x2', 'y2'])
            for one in done:
                if not isinstance(one, Record):
                    continue
                name = one.name if one.frame is None else one.path
                frame = '' if one.frame is None else one.frame
                for label, score, box in zip(one.labels, one.scores, one.bboxes, strict=True):
                    table.writerow([name, frame, self.settings.classes[label], score, *box])
