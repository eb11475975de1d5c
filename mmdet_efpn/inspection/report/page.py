"""The report as one HTML file that needs no other."""

from ...utils.errors import UserError
from ...visualization import report_page as html
from ..advice import Advice
from ..findings import Findings
from .plots import pictures_of, plots_of
from .tables import tables_of
from .text import lines_of


def html_page(findings: Findings) -> str:
    """The page: recommendations, config lines, tables, plots and pictures; all inside one file."""
    lines = [html.note(title) + html.code(lines) for title, lines in lines_of(findings)]
    return html.html_page(
        f'Inspection of {findings.source}',
        f'Is P2\N{PRIME} for {findings.source}?',
        [
            ('Recommendations', html.cards(map(_card, findings.advice), first=True)),
            ('Config lines', '\n'.join(lines)),
            ('What was found', html.side_by_side(map(html.table_as_html, tables_of(findings)))),
            ('Plots', html.side_by_side(html.figure(*plot) for plot in plots_of(findings))),
            ('Pictures', _pictures(findings)),
        ],
        'inspect',
        top=''.join(map(html.warning, findings.notes)),
        end='The rules and their reasons are in docs/how_to/inspect.md.',
    )


def _card(advice: Advice) -> tuple[str, str, str]:
    reason = advice.reason[0].upper() + advice.reason[1:]
    return advice.about, advice.verdict, f'{reason}.'


def _pictures(findings: Findings) -> str:
    if not findings.has_pictures:
        return html.note('No image folder was given.')
    try:
        address = pictures_of(findings)
    except UserError as error:
        return html.warning(f'No pictures: {error}')
    text = 'Pictures of the training set with their boxes; below each its smallest objects, magnified.'
    return html.note(text) + f'<img src="{address}" alt="Pictures with boxes">'
