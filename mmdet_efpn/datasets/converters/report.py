"""Counts what a conversion leaves out or changes, by cause, and names the first few of each."""

from collections import Counter
from pathlib import Path

from ...utils.errors import MissingFileError, UserError

SHOWN = 10
# Counts of what is there, which are no faults.
INFORMATION = ('boxes', 'images_without_boxes', 'ignored', 'crowd', 'cut', 'cut_ignored')


class Report:
    """What became of the boxes and pictures of one split.

    Attributes:
        counts: How many, by cause.
        examples: The first ten of each cause, as one line each.
    """

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.examples: dict[str, list[str]] = {}

    def note(self, cause: str, where: str | Path = '', detail: str = '') -> None:
        """Count one box or picture; ``where`` names it."""
        self.counts[cause] += 1
        examples = self.examples.setdefault(cause, [])
        if where and len(examples) < SHOWN:
            examples.append(f'{where}' + (f' ({detail})' if detail else ''))

    def faults(self) -> dict[str, int]:
        """The counts of what was left out or changed."""
        return {
            cause: count for cause, count in self.counts.items() if count and cause not in INFORMATION
        }

    def lines(self) -> list[str]:
        """A line for each cause, and below it the examples."""
        lines = []
        for cause, count in self.faults().items():
            lines.append(f'  warning: {cause.replace("_", " ")}: {count}')
            examples = self.examples.get(cause, [])
            lines += [f'    {example}' for example in examples]
            if examples and count > len(examples):
                lines.append(f'    ... and {count - len(examples)} more')
        return lines


def raise_if_faulty(reports: dict[str, Report], causes: tuple[str, ...] | None, remedy: str) -> None:
    """Stop a conversion because of faults.

    Args:
        reports: The report of each split.
        causes: The causes that count; None: all.
        remedy: What the user can do, for the message.

    Raises:
        MissingFileError: Files are missing and nothing else is wrong.
        UserError: Anything else is wrong.
    """
    counts: Counter = Counter()
    named: dict[str, list[str]] = {}
    for report in reports.values():
        for cause, count in report.faults().items():
            if causes is None or cause in causes:
                counts[cause] += count
                named.setdefault(cause, []).extend(report.examples.get(cause, []))
    if not counts:
        return
    found = ', '.join(f'{cause.replace("_", " ")}: {count}' for cause, count in counts.items())
    lines = [f'{found}.']
    for cause, examples in named.items():
        kept = list(dict.fromkeys(examples))[:SHOWN]
        lines += [f'  {cause.replace("_", " ")}: {example};' for example in kept]
        if counts[cause] > len(kept) > 0:
            lines.append(f'  ... and {counts[cause] - len(kept)} more;')
    error = MissingFileError if all(cause.startswith('missing') for cause in counts) else UserError
    raise error('\n'.join([f'nothing was written because of {remedy}:', *lines]).rstrip(';'))
