"""Tables of a page."""

from dataclasses import dataclass
from html import escape

Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What it shows.
        head: Titles of the columns; all empty: none are shown, and the cells are words.
        rows: Cells of each row.
        note: A sentence below; empty: none.
    """

    title: str
    head: tuple[str, ...]
    rows: Rows
    note: str = ''


def table_as_html(table: Table) -> str:
    """A table under its title. Text is escaped."""
    head = ''
    if any(table.head):
        head = '<tr>' + ''.join(f'<th>{escape(cell)}</th>' for cell in table.head) + '</tr>'
    rows = ''.join(
        '<tr>' + ''.join(f'<td>{escape(cell)}</td>' for cell in row) + '</tr>' for row in table.rows
    )
    kind = '' if any(table.head) else ' class="words"'
    below = f'<p class="note">{escape(table.note)}</p>' if table.note else ''
    return (
        f'<section><h3>{escape(table.title)}</h3><div class="wide"><table{kind}>{head}{rows}</table>'
        f'</div>{below}</section>\n'
    )
