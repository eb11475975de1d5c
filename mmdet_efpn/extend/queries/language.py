"""Detectors that read words as well: GLIP, Grounding DINO."""

from mmdet.models.utils import vlfuse_helper

from ..neck import Levels
from ..report import Report
from .transformer import is_a_fusion_head


def extend_fusion_head(head: dict, levels: Levels, report: Report, key: str = 'model.bbox_head') -> dict:
    """GLIP's head for the levels; MMDetection's takes five.

    Other heads are handed back as they are.
    """
    if not is_a_fusion_head(head) or not levels.added:
        return head
    report.changed(
        f'{key}: ATSSVLFusionHead to ExtendedATSSVLFusionHead, which fuses and scales '
        f'{len(levels.extended)} levels in the place of five'
    )
    return dict(head, type='ExtendedATSSVLFusionHead')


def why_no_language_model(model: dict) -> str | None:
    """Why a detector's language model cannot be built here; ``None`` if it can, or there is none.

    Args:
        model (dict): The detector's config.
    """
    language = model.get('language_model')
    if language is None:
        return None
    try:
        from transformers import BertConfig
    except ImportError:
        return 'transformers is not installed (pip install transformers)'
    if is_a_fusion_head(model.get('bbox_head')) and vlfuse_helper.BertConfig is None:
        return "transformers is newer than what MMDetection's GLIP takes; 4.40 is known to work"
    try:
        BertConfig.from_pretrained(language.get('name'), local_files_only=True)
    except OSError:
        return f'{language.get("name")} is not on this computer'
    return None


def note_language_model(model: dict, report: Report) -> None:
    """Says that a language model could not be built, and why, where that is so."""
    if reason := why_no_language_model(model):
        report.left(
            f'model.language_model: could not be built here, since {reason}; the extension leaves it as '
            'it is, and only backbone and neck were looked at'
        )
