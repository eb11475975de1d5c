"""Detectors that find objects by queries or words, and read their levels by attention."""

from .language import extend_fusion_head, note_language_model, why_no_language_model
from .pixel_decoder import keep_rates_of_neck, pyramid_for_pixel_decoder, takes_videos
from .transformer import attends_to_levels, level_reader, reads_stages

__all__ = [
    'attends_to_levels',
    'extend_fusion_head',
    'keep_rates_of_neck',
    'level_reader',
    'note_language_model',
    'pyramid_for_pixel_decoder',
    'reads_stages',
    'takes_videos',
    'why_no_language_model',
]
