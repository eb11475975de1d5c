"""The accuracy of one trained run, on all test pictures and on draws of them that all runs share."""

import contextlib
import io
from pathlib import Path

import numpy as np

from mmdet_efpn.cli.main import main as command
from mmdet_efpn.evaluation import PRESETS, paired_bootstrap, read_annotated_set, read_predictions
from mmdet_efpn.recipes import Stage
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.read_config import read_config

FIGURES = (  # a preset, its title of a figure, the name here
    ('coco', 'AP', 'AP'),
    ('coco', 'AP50', 'AP50'),
    ('coco', 'AP small', 'AP small'),
    ('aitod', 'AP very tiny', 'AP 2-8 px'),
    ('aitod', 'AP tiny', 'AP 8-16 px'),
    ('aitod', 'AP small', 'AP 16-32 px'),
)
DRAW_SEED = 0


def figures_of(stage: Stage, draws: int) -> dict:
    """Figures of a finished stage, of its config's test set.

    The draws come from one seed, so that two runs of one test set are compared draw by draw.

    Args:
        stage: The stage; predictions are written to its folder once.
        draws: How many times the pictures are drawn anew, with replacement.

    Returns:
        dict: For each name of ``FIGURES`` a list: the figure on all pictures, then on each draw, with
        five digits.

    Raises:
        UserError: The test failed.
    """
    cfg = read_config(str(stage.config_file))
    judged = read_annotated_set(cfg)
    (predictions,) = read_predictions(_predictions(stage))
    generator = np.random.default_rng(DRAW_SEED)
    amount = len(judged.truth.getImgIds())
    places = [np.arange(amount), *(generator.integers(0, amount, amount) for _ in range(draws))]
    figures = {}
    for preset in dict.fromkeys(preset for preset, _, _ in FIGURES):
        evaluation = paired_bootstrap.BootstrapEvaluation(
            judged.truth, predictions, judged.cat_ids, PRESETS[preset]
        )
        values = np.stack([evaluation.on(draw) for draw in places])
        for of, title, name in FIGURES:
            if of == preset:
                figures[name] = values[:, evaluation.names.index(title)].round(5).tolist()
    return figures


def _predictions(stage: Stage) -> Path:
    path = stage.folder / 'predictions.npz'
    if not path.is_file():
        words = ['test', str(stage.config_file), stage.result()['checkpoint'], '--out', str(path)]
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            code = command([*words, '--work-dir', str(stage.folder / 'test')])
        if code:
            raise UserError(f'the test of {stage.name} failed: {errors.getvalue().strip()}')
    return path
