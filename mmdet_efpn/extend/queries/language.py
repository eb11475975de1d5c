"""Detectors that read words as well: GLIP, Grounding DINO."""

from mmdet.models.layers.transformer.dino_layers import DinoTransformerDecoder
from mmdet.models.layers.transformer.grounding_dino_layers import GroundingDinoTransformerDecoder
from mmdet.models.utils import vlfuse_helper

from ..kinds import is_a
from ..parts.pyramid import Levels
from ..probe import plain_type
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


def why_mmdet_cannot_run(model: dict) -> str | None:
    """Why the installed MMDetection itself cannot run a plain Grounding DINO; ``None`` if it can.

    A release hands each decoder positions twice as wide as Grounding DINO's takes.
    """
    if not is_a(model, 'GroundingDINO'):
        return None
    settings = dict(num_layers=1, return_intermediate=True, post_norm_cfg=None)
    attention = dict(embed_dims=32, num_heads=1)
    layer = dict(
        self_attn_cfg=attention,
        cross_attn_cfg=attention,
        ffn_cfg=dict(embed_dims=32, feedforward_channels=32),
    )
    words = dict(layer, cross_attn_text_cfg=attention)
    widths = {
        decoder(layer_cfg=cfg, **settings).ref_point_head.layers[0].in_features
        for decoder, cfg in (
            (DinoTransformerDecoder, layer),
            (GroundingDinoTransformerDecoder, words),
        )
    }
    if len(widths) == 1:
        return None
    return (
        "the installed MMDetection cannot run Grounding DINO, extended or not: its decoder's "
        f'ref_point_head takes positions {min(widths) // 32} times the width, and gets '
        f'{max(widths) // 32}; mmdet 3.3.0 runs it'
    )


def note_language_model(model: dict, report: Report) -> None:
    """Says why a language model could not be built, or its detector not be run, where that is so."""
    if reason := why_no_language_model(model):
        report.left(
            f'model.language_model: could not be built here, since {reason}; the extension leaves it as '
            'it is, and only backbone and neck were looked at'
        )
    if reason := why_mmdet_cannot_run(model):
        report.left(f'model ({plain_type(model)}): {reason}')
