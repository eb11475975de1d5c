"""The report as one HTML file that needs no other."""

from html import escape

from ... import __version__
from ...utils.errors import UserError
from ..advice import Advice
from ..findings import Findings
from .plots import pictures_of, plots_of
from .tables import Table, tables_of
from .text import lines_of

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1.5rem; max-width: 84rem; font: 16px/1.5 system-ui, sans-serif;
  color: #1d2430; background: #fff; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; border-bottom: 2px solid #00796b; padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
.card { border: 1px solid #d7dce3; border-radius: .4rem; padding: .8rem 1rem; }
.card.first { background: #e0f2f1; border-color: #00796b; }
.about { color: #5b6472; font-size: .85rem; }
.verdict { font-size: 1.15rem; font-weight: 600; }
.card p, .note { margin: .3rem 0 0; font-size: .9rem; color: #3c4451; }
.warning { border-left: 4px solid #c77700; background: #fff6e5; padding: .5rem .8rem; margin: .5rem 0; }
.side { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); }
table { border-collapse: collapse; font-size: .92rem; width: 100%; }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #e6e9ee; }
th:first-child, td:first-child { text-align: left; }
table.words td { text-align: left; }
pre { background: #f3f5f8; padding: .8rem; border-radius: .4rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
figure { margin: 0; }
img { max-width: 100%; height: auto; }
footer { margin-top: 2rem; color: #5b6472; font-size: .85rem; }
"""


def html_page(findings: Findings) -> str:
    """The page: recommendations, config lines, tables, plots and pictures; all inside one file."""
    cards = ''.join(_card(advice, not number) for number, advice in enumerate(findings.advice))
    warnings = ''.join(f'<p class="warning">{escape(note)}</p>' for note in findings.notes)
    tables = ''.join(_table(table) for table in tables_of(findings))
    plots = ''.join(_plot(title, address) for title, address in plots_of(findings))
    source = escape(findings.source)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Inspection of {source}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Is P2&#8242; for {source}?</h1>
{warnings}
<h2>Recommendations</h2>
<div class="cards">{cards}</div>
<h2>Config lines</h2>
{_lines(findings)}
<h2>What was found</h2>
<div class="side">{tables}</div>
<h2>Plots</h2>
<div class="side">{plots}</div>
<h2>Pictures</h2>
{_pictures(findings)}
<footer>mmdet-efpn inspect, version {escape(__version__)}. The rules and their reasons are in
docs/how_to/inspect.md.</footer>
</body>
</html>
"""


def _card(advice: Advice, first: bool) -> str:
    reason = advice.reason[0].upper() + advice.reason[1:]
    return (
        f'<div class="card{" first" * first}"><div class="about">{escape(advice.about)}</div>'
        f'<div class="verdict">{escape(advice.verdict)}</div><p>{escape(reason)}.</p></div>'
    )


def _lines(findings: Findings) -> str:
    return '\n'.join(
        f'<p class="note">{escape(title)}</p>{_code(lines)}' for title, lines in lines_of(findings)
    )


def _code(lines: list[str]) -> str:
    return f'<pre>{escape(chr(10).join(lines))}</pre>'


def _table(table: Table) -> str:
    head = ''
    if any(table.head):
        head = '<tr>' + ''.join(f'<th>{escape(cell)}</th>' for cell in table.head) + '</tr>'
    rows = ''.join(
        '<tr>' + ''.join(f'<td>{escape(cell)}</td>' for cell in row) + '</tr>' for row in table.rows
    )
    kind = '' if any(table.head) else ' class="words"'
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ''
    return f'<section><h3>{escape(table.title)}</h3><table{kind}>{head}{rows}</table>{note}</section>\n'


def _plot(title: str, address: str) -> str:
    text = escape(title)
    return f'<figure><h3>{text}</h3><img src="{address}" alt="{text}"></figure>\n'


def _pictures(findings: Findings) -> str:
    if not findings.has_pictures:
        return '<p class="note">No image folder was given.</p>'
    try:
        address = pictures_of(findings)
    except UserError as error:
        return f'<p class="warning">No pictures: {escape(str(error))}</p>'
    return (
        '<p class="note">Pictures of the training set with their boxes; below each its smallest '
        f'objects, magnified.</p><img src="{address}" alt="Pictures with boxes">'
    )
