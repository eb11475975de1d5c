"""A run as one HTML file that needs no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..evaluation import (
    AnnotatedSet,
    BoxEvaluation,
    errors,
    evaluate_predictions,
    read_annotated_set,
    read_predictions,
)
from ..utils.errors import MissingFileError
from ..visualization import report_page as html
from .config_part import config_part
from .curves import curves_of, curves_part
from .mistakes import Watch, errors_part, worst_part
from .results import figures_part, precision_recall_part
from .run_files import RunFiles, read_run
from .speed import speed_part

NEEDS_PREDICTIONS = ('AP by class', 'precision-recall', 'errors by kind', 'the worst pictures')


@dataclass(frozen=True)
class RunReport:
    """A page, and what it lacks.

    Attributes:
        page: The HTML.
        missing: A sentence for each part or file that is missing; the page has them too.
    """

    page: str
    missing: list[str]


@dataclass(frozen=True)
class _Judged:
    """Predictions beside the annotations of the test set."""

    predictions: list[dict]
    truth: AnnotatedSet
    evaluation: BoxEvaluation
    errors: errors.ErrorReport


def report_on_run(
    folder: str | Path,
    predictions: str | Path | None = None,
    *,
    num: int = 20,
    score_thr: float = 0.3,
    cfg_options: Sequence[str] | Mapping = (),
    watch: Watch = lambda pictures: pictures,
) -> RunReport:
    """Makes the page of a run from the files that its training and tests wrote.

    Args:
        folder: The work folder of a training.
        predictions: What ``mmdet-efpn test --out`` wrote of the config's test set: ``.json``, ``.npz``
            or ``.pkl``. Default: the parts that need them are named as missing.
        num: How many of the worst pictures to show. Default 20.
        score_thr: Lowest score in the counts of errors and on the pictures. Default 0.3.
        cfg_options: Changes to the config, such as the place of the data.
        watch: What goes round the loop over the worst pictures, such as a progress bar.

    Returns:
        RunReport: The page, and what it lacks.

    Raises:
        MissingFileError: There is no such folder or file of predictions.
        UserError: The folder is no run's, or the predictions are of other images.
    """
    run = read_run(folder, cfg_options)
    judged, missing = _judge(run, predictions, score_thr)
    needed = html.warning(missing) if missing else ''
    truth, evaluation = (judged.truth, judged.evaluation) if judged else (None, None)
    parts = [
        ('Config, and what it extends', config_part(run)),
        ('Curves', curves_part(run)),
        ('AP by size and class', figures_part(run, truth, evaluation) + needed),
    ]
    if judged is None:
        parts += [
            (name, needed) for name in ('Precision-recall', 'Errors by kind', 'The worst pictures')
        ]
    else:
        worst = worst_part(judged.errors, judged.truth, judged.predictions, num, watch)
        parts += [
            ('Precision-recall', precision_recall_part(judged.truth, judged.evaluation)),
            ('Errors by kind', errors_part(judged.errors)),
            ('The worst pictures', worst),
        ]
    parts.append(('Speed and memory', speed_part(run)))
    lacks = [f'There is not: {text}.' for text in run.missing]
    page = html.html_page(
        f'Report on {run.folder.resolve().name}',
        f'Report on {run.folder}',
        parts,
        'report',
        top=html.cards(_summary(run, judged), first=True, narrow=True)
        + ''.join(map(html.warning, lacks)),
        end='The parts are explained in docs/how_to/report.md.',
    )
    return RunReport(page, [*lacks, *([missing] if missing else [])])


def _judge(
    run: RunFiles, predictions: str | Path | None, score_thr: float
) -> tuple[_Judged | None, str]:
    """Predictions beside their annotations; or why there are none."""
    lost = f'Missing: {", ".join(NEEDS_PREDICTIONS)}. '
    if predictions is None:
        config, checkpoint = run.config_file or 'CONFIG', run.checkpoint or 'CHECKPOINT'
        return None, (
            f'{lost}They need predictions of the test set: mmdet-efpn test {config} {checkpoint} --out '
            f'found.json, then mmdet-efpn report {run.folder} --predictions found.json'
        )
    (found,) = read_predictions(predictions)
    if run.config is None:
        return None, f'{lost}The run has no config that names the test set.'
    if not isinstance(run.config.get('test_dataloader'), dict):
        return None, f'{lost}The config has no single test_dataloader.'
    try:
        truth = read_annotated_set(run.config)
    except (MissingFileError, FileNotFoundError) as error:
        return None, (
            f'{lost}The annotations of the test set are not there: {error}. Start the command where the '
            'training ran, or name their place with --cfg-options'
        )
    evaluation = evaluate_predictions(truth, found)
    return _Judged(found, truth, evaluation, errors.count_errors(truth, found, score_thr)), ''


def _summary(run: RunFiles, judged: _Judged | None) -> list[tuple[str, str, str]]:
    """The numbers at the top."""
    cards = []
    if judged:
        ap = judged.evaluation.preset.figures[0]
        value = judged.evaluation.value(ap)
        cards.append(
            (f'{ap.title} of the predictions', f'{value:.3f}', f'{len(judged.predictions)} images')
        )
    figures = [curve for curve in curves_of(run) if curve.kind == 'figure']
    if figures:
        unit = 'epoch' if run.by_epoch else 'iteration'
        curve = figures[0]
        name = curve.name.rpartition('/')[2].removeprefix('bbox_')
        best = max(range(len(curve.values)), key=curve.values.__getitem__)
        text = f'at {unit} {curve.steps[-1]}; the best of all validations: {curve.values[best]:.3f}'
        cards.append((f'{name}, last validation', f'{curve.values[-1]:.3f}', text))
    if run.training:
        last = run.training[-1]
        planned = ((run.config or {}).get('train_cfg') or {}).get('max_iters')
        of = f' of {planned}' if planned else ''
        cards.append(('last logged iteration', f'{last["step"]}{of}', ''))
        if 'loss' in last:
            cards.append(('loss there', f'{last["loss"]:.4g}', ''))
    if judged:
        row = judged.errors.counts()['all']
        text = f'from score {judged.errors.score_thr:g}, IoU 0.5'
        cards.append(('objects found', f'{row["found"]} of {row["objects"]}', text))
    return cards
