"""A metric that judges nothing, and writes all predictions to one file."""

from pathlib import Path

from mmdet.evaluation import DumpDetResults

from ..checkpoints import write_predictions


class WrittenPredictions(DumpDetResults):
    """Writes the predictions of a test as JSON, npz or a pickle.

    Args:
        path (str | Path): The file; its ending is ``.json``, ``.npz`` or ``.pkl``.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(out_file_path='all.pkl')  # the base class takes no other ending
        self.path = path

    def compute_metrics(self, results: list) -> dict:
        """Writes the file; there are no figures."""
        write_predictions(results, self.path)
        return {}
