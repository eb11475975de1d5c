"""A picture with boxes as HTML; lines keep their width at any zoom, so 10 pixels stay in sight."""

from dataclasses import dataclass, replace
from html import escape

from ..inference import Record

LARGEST_TABLE = 1000  # rows; beyond, the JSON has the rest
MOST_NAMED = 40  # boxes up to which names are shown from the start


@dataclass(frozen=True)
class Shown:
    """What was found in a picture.

    Attributes:
        record: The objects, the surest first.
        address: Where the browser finds the picture.
        classes: Class names.
        colours: RGB by class number.
        rule: What makes a box one of P2'; ``None``: the detector has no P2', or no such rule.
        from_p2_prime: Of each object, whether it is of P2'; empty without a rule.
        tiles: Into how many tiles the picture was cut; 0: it was not.
    """

    record: Record
    address: str
    classes: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    rule: str | None = None
    from_p2_prime: tuple[bool, ...] = ()
    tiles: int = 0


def above(shown: Shown, score: float) -> Shown:
    """The objects of at least a score; nothing is predicted again."""
    amount = sum(value >= score for value in shown.record.scores)  # they are in descending order
    record = shown.record
    kept = replace(
        record,
        labels=record.labels[:amount],
        scores=record.scores[:amount],
        bboxes=record.bboxes[:amount],
        masks=record.masks[:amount],
    )
    return replace(shown, record=kept, from_p2_prime=shown.from_p2_prime[:amount])


def viewer_html(shown: Shown) -> str:
    """The picture with its boxes, how many there are, what the lines mean, and buttons to zoom."""
    record = shown.record
    boxes = '\n'.join(_box(shown, number) for number in reversed(range(len(record.labels))))
    names = ' names' if len(record.labels) <= MOST_NAMED else ''
    size = f'{record.width} x {record.height} pixels'
    cut = f', {shown.tiles} tiles' if shown.tiles else ''
    return f"""<div class="efpn-found" data-width="{record.width}"
data-height="{record.height}" data-picture="{shown.address}">
<p class="efpn-count"><b data-count="{len(record.labels)}">{_counted(shown)}</b>
<span class="efpn-about">{escape(record.name)}, {size}{cut}</span></p>
<div class="efpn-bar">
<button data-zoom="out" title="Smaller">&minus;</button><button data-zoom="fit">Fit</button>
<button data-zoom="one" title="A pixel of the picture is a pixel of the page">1:1</button>
<button data-zoom="in" title="Larger">+</button><button data-zoom="names">Names</button>
<span class="efpn-percent"></span></div>
<div class="efpn-scroll"><div class="efpn-stage{names}">
<img src="{shown.address}" alt="{escape(record.name)}" draggable="false">
<svg viewBox="0 0 {record.width} {record.height}" preserveAspectRatio="none">
{boxes}
</svg></div></div>
{_legend(shown)}
</div>"""


def table_html(shown: Shown) -> str:
    """The objects as a table, the surest first; a click on a row zooms to its object."""
    record = shown.record
    if not record.labels:
        return '<p class="efpn-about">No object of this score.</p>'
    rows = '\n'.join(_row(shown, number) for number in range(min(len(record.labels), LARGEST_TABLE)))
    mark = '' if shown.rule is None else "<th>P2'</th>"
    left = len(record.labels) - LARGEST_TABLE
    note = f'<p class="efpn-about">{left} more are in the JSON.</p>' if left > 0 else ''
    return f"""<div class="efpn-table"><table><thead><tr><th>#</th><th>class</th><th>score</th>
<th>x</th><th>y</th><th>width</th><th>height</th>{mark}</tr></thead><tbody>
{rows}
</tbody></table></div>{note}"""


def refusal_html(reason: str) -> str:
    """Why there is nothing to see."""
    return f'<p class="efpn-refused" role="alert">{escape(reason)}</p>'


def _counted(shown: Shown) -> str:
    amount = len(shown.record.labels)
    text = '1 box' if amount == 1 else f'{amount} boxes'
    return text if shown.rule is None else f"{text}, {sum(shown.from_p2_prime)} from P2'"


def _colour(shown: Shown, label: int) -> str:
    return 'rgb({}, {}, {})'.format(*shown.colours[label])


def _is_marked(shown: Shown, number: int) -> bool:
    return shown.rule is None or shown.from_p2_prime[number]


def _box(shown: Shown, number: int) -> str:
    record = shown.record
    x1, y1, x2, y2 = record.bboxes[number]
    label = record.labels[number]
    text = escape(f'{shown.classes[label]} {record.scores[number]:.2f}')
    colour, kind = _colour(shown, label), 'fine' if _is_marked(shown, number) else 'coarse'
    frame = f'x="{x1 - 1:.1f}" y="{y1 - 1:.1f}" width="{x2 - x1 + 2:.1f}" height="{y2 - y1 + 2:.1f}"'
    return (
        f'<g class="efpn-box" data-number="{number}"><title>{text}</title>'
        f'<rect class="halo" {frame}/><rect class="{kind}" {frame} stroke="{colour}"/>'
        f'<text x="{x1 - 1:.1f}" y="{y1 - 1:.1f}" fill="{colour}">{text}</text></g>'
    )


def _row(shown: Shown, number: int) -> str:
    record = shown.record
    x1, y1, x2, y2 = record.bboxes[number]
    label = record.labels[number]
    numbers = ''.join(f'<td>{value:.1f}</td>' for value in (x1, y1, x2 - x1, y2 - y1))
    mark = '' if shown.rule is None else f'<td>{"yes" if shown.from_p2_prime[number] else ""}</td>'
    return (
        f'<tr data-box="{x1},{y1},{x2},{y2}"><td>{number + 1}</td>'
        f'<td><i style="background:{_colour(shown, label)}"></i>{escape(shown.classes[label])}</td>'
        f'<td>{record.scores[number]:.2f}</td>{numbers}{mark}</tr>'
    )


def _legend(shown: Shown) -> str:
    present = sorted(set(shown.record.labels))
    parts = [
        f'<span><i style="background:{_colour(shown, label)}"></i>{escape(shown.classes[label])}</span>'
        for label in present
    ]
    if shown.rule is not None:
        parts += [
            '<span><b class="solid"></b>from P2&#39;: '
            f'{escape(shown.rule)}, as the detector sees it</span>',
            '<span><b class="dashed"></b>from a coarser level</span>',
        ]
    return f'<p class="efpn-legend">{"".join(parts)}</p>'
