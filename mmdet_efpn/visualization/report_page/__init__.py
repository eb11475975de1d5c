"""A page of HTML that needs no other file: its frame, tables, plots and pictures."""

from .images import jpeg_address, svg_address
from .page import cards, code, figure, folded, html_page, note, side_by_side, warning
from .tables import Rows, Table, table_as_html

__all__ = [
    'Rows',
    'Table',
    'cards',
    'code',
    'figure',
    'folded',
    'html_page',
    'jpeg_address',
    'note',
    'side_by_side',
    'svg_address',
    'table_as_html',
    'warning',
]
