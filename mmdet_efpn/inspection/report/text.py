"""The report as text."""

import textwrap

from ...visualization.report_page import Table
from ..findings import Findings
from .tables import tables_of, template_lines

TEMPLATE = 'configs/own_data/faster-rcnn_r50_efpn-light_1x_own-coco.py'
WIDTH = 105


def text_report(findings: Findings) -> str:
    """Tables, warnings, recommendations and the config lines for them."""
    parts = [f'inspected: {findings.source}']
    parts += [_table(table) for table in tables_of(findings)]
    if findings.notes:
        parts.append('\n'.join(['Warnings', *map(_paragraph, findings.notes)]))
    parts.append('\n'.join(['Recommendations', *_recommendations(findings)]))
    parts += ['\n'.join([title, *_indented(lines)]) for title, lines in lines_of(findings)]
    return '\n\n'.join(parts)


def lines_of(findings: Findings) -> list[tuple[str, list[str]]]:
    """What to write and to run, each under a title."""
    title = f'For the top of {TEMPLATE}'
    if findings.advice[0].verdict == 'do not extend':
        title += ", or the same values in a config without P2'"
    # the template is a two-stage detector, with anchors of that kind
    found = [(f'{title}:', template_lines(findings))] if findings.facts.two_stage else []
    options = [option for advice in findings.advice for option in advice.options]
    if options and findings.own_config:
        found.append(('For this config, after --cfg-options:', options))
    commands = [advice.command for advice in findings.advice if advice.command]
    if not findings.own_config:  # the template has P2' already
        commands = [command for command in commands if 'CONFIG' not in command]
    if commands:
        found.append(('Commands:', [text.replace('CONFIG', findings.source) for text in commands]))
    return found


def _recommendations(findings: Findings) -> list[str]:
    width = max(len(advice.about) for advice in findings.advice)
    lines = []
    for advice in findings.advice:
        lines.append(f'  {advice.about:<{width}}  {advice.verdict}')
        lines.append(_paragraph(advice.reason, width + 4))
    return lines


def _table(table: Table) -> str:
    rows = [table.head, *table.rows] if any(table.head) else table.rows
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [table.title]
    for row in rows:
        cells = [f'{row[0]:<{widths[0]}}']
        left = not any(table.head)
        for cell, width in zip(row[1:], widths[1:], strict=True):
            cells.append(f'{cell:<{width}}' if left else f'{cell:>{width}}')
        lines.append('  ' + '  '.join(cells).rstrip())
    if table.note:
        lines.append(_paragraph(table.note))
    return '\n'.join(lines)


def _paragraph(text: str, indent: int = 2) -> str:
    space = ' ' * indent
    return textwrap.fill(text, WIDTH, initial_indent=space, subsequent_indent=space)


def _indented(lines: list[str]) -> list[str]:
    return [f'  {line}' for line in lines]
