"""An inspection as text and as a page."""

from .page import html_page
from .text import text_report

__all__ = ['html_page', 'text_report']
