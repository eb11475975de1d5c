"""Detectors that read words as well: GLIP's head."""

from .neck import Levels
from .report import Report
from .transformer import is_a_fusion_head


def extend_fusion_head(head: dict, levels: Levels, report: Report, key: str = 'model.bbox_head') -> dict:
    """GLIP's head with a scale for each level; MMDetection's has five whatever its levels.

    Other heads are handed back as they are.
    """
    if not is_a_fusion_head(head) or not levels.added:
        return head
    report.changed(
        f'{key}: ATSSVLFusionHead to ExtendedATSSVLFusionHead, which has a scale for each of the '
        f'{len(levels.extended)} levels in the place of five'
    )
    return dict(head, type='ExtendedATSSVLFusionHead')


def note_language_model(model: dict, report: Report) -> None:
    """Says what of a language model could not be looked at, since its library is not installed."""
    if model.get('language_model') is None:
        return
    try:
        import transformers  # noqa: F401
    except ImportError:
        report.left(
            'model.language_model: was not built, because transformers is not installed (pip install '
            'transformers); it reads words alone, and the extension leaves it as it is'
        )
