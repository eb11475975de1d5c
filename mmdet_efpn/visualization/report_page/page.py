"""The frame of a page, and its parts."""

from collections.abc import Iterable
from html import escape

from ... import __version__

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; padding: 1.5rem; max-width: 84rem; font: 16px/1.5 system-ui, sans-serif;
  color: #1d2430; background: #fff; }
h1 { font-size: 1.5rem; margin: 0 0 .8rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .6rem; border-bottom: 2px solid #00796b; padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 0 0 .4rem; }
.cards { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
.cards.narrow { grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); }
.card { border: 1px solid #d7dce3; border-radius: .4rem; padding: .8rem 1rem; }
.card.first { background: #e0f2f1; border-color: #00796b; }
.about { color: #5b6472; font-size: .85rem; }
.verdict { font-size: 1.15rem; font-weight: 600; overflow-wrap: anywhere; }
.card p, .note { margin: .3rem 0 .6rem; font-size: .9rem; color: #3c4451; }
.card p { margin-bottom: 0; }
.warning { border-left: 4px solid #c77700; background: #fff6e5; padding: .5rem .8rem; margin: .5rem 0; }
.side { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; width: 100%; }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #e6e9ee; }
th:first-child, td:first-child { text-align: left; }
table.words td { text-align: left; overflow-wrap: anywhere; }
table.words td:first-child { white-space: nowrap; }
pre { background: #f3f5f8; padding: .8rem; border-radius: .4rem; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; }
details { margin: .6rem 0; }
summary { cursor: pointer; font-size: .9rem; color: #00695c; }
figure { margin: 0 0 1rem; }
img { max-width: 100%; height: auto; }
footer { margin-top: 2rem; color: #5b6472; font-size: .85rem; }
"""


def html_page(
    title: str,
    heading: str,
    parts: Iterable[tuple[str, str]],
    command: str,
    top: str = '',
    end: str = '',
) -> str:
    """The whole page.

    Args:
        title: Title of the browser's tab.
        heading: What stands at the top.
        parts: Title and HTML of each part.
        command: The command that made it, for the foot.
        top: HTML between heading and parts.
        end: A sentence for the foot.
    """
    body = '\n'.join(f'<h2>{escape(name)}</h2>\n{content}' for name, content in parts)
    foot = f'mmdet-efpn {command}, version {__version__}. {end}'.strip()
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(heading)}</h1>
{top}
{body}
<footer>{escape(foot)}</footer>
</body>
</html>
"""


def note(text: str) -> str:
    """A sentence in small type."""
    return f'<p class="note">{escape(text)}</p>\n'


def warning(text: str) -> str:
    """A sentence that stands out."""
    return f'<p class="warning">{escape(text)}</p>\n'


def code(lines: Iterable[str]) -> str:
    """Lines to copy."""
    return f'<pre>{escape(chr(10).join(lines))}</pre>\n'


def folded(title: str, content: str) -> str:
    """HTML that a click on its title shows."""
    return f'<details><summary>{escape(title)}</summary>\n{content}</details>\n'


def figure(title: str, address: str) -> str:
    """An image under its title; ``address`` holds the image."""
    text = escape(title)
    image = f'<img src="{address}" alt="{text}" loading="lazy">'
    return f'<figure><h3>{text}</h3>{image}</figure>\n'


def side_by_side(content: Iterable[str]) -> str:
    """Tables or figures, as many in a row as there is room for."""
    return f'<div class="side">{"".join(content)}</div>\n'


def cards(entries: Iterable[tuple[str, str, str]], first: bool = False, narrow: bool = False) -> str:
    """What each is about, its verdict or number, and a sentence, if any; the first may stand out."""
    made = []
    for number, (about, verdict, reason) in enumerate(entries):
        kind = 'card first' if first and not number else 'card'
        text = f'<p>{escape(reason)}</p>' if reason else ''
        made.append(
            f'<div class="{kind}"><div class="about">{escape(about)}</div>'
            f'<div class="verdict">{escape(verdict)}</div>{text}</div>'
        )
    return f'<div class="cards{" narrow" if narrow else ""}">{"".join(made)}</div>\n'
