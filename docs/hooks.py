"""Fills what the pages say of the command line and of the configs from the code itself."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
sys.argv[0] = 'mmdet-efpn'  # the package then leaves torch alone, which is not needed here
REPOSITORY = 'https://github.com/mmdet-efpn/mmdet_efpn/blob/main/'

from mmdet_efpn.cli.main import COMMANDS, command_parser  # noqa: E402


def commands() -> str:
    """A section for each command: what it does, and its help."""
    parts = []
    for name, text in COMMANDS.items():
        parser = command_parser(name)
        parts.append(
            f'## {name}\n\n{text[0].upper()}{text[1:]}.\n\n```text\n{parser.format_help()}```\n'
        )
    return '\n'.join(parts)


def configs() -> str:
    """A table of each folder of configs: file and first line of its docstring."""
    parts = []
    for folder in sorted(path.parent for path in (ROOT / 'configs').glob('*/metafile.yml')):
        rows = []
        for path in sorted(folder.glob('*.py')):
            found = re.match(r'"""(.*?)(?:\n\n|""")', path.read_text(), re.DOTALL)
            said = ' '.join(found[1].split()) if found else _from_name(path.stem)
            rows.append(f'| [`{path.name}`]({REPOSITORY}{path.relative_to(ROOT)}) | {said} |')
        parts.append(
            f'## {folder.name}\n\n| config | what it is |\n| --- | --- |\n' + '\n'.join(rows) + '\n'
        )
    return '\n'.join(parts)


def _from_name(stem: str) -> str:
    detector, backbone, neck, schedule, data = stem.split('_')
    return f'{detector}, {backbone}, {neck}; {schedule} on {data}'


def on_page_markdown(markdown: str, **_) -> str:
    """MkDocs' hook: puts the generated parts in, and points links out of docs/ at the repository."""
    markdown = markdown.replace('<!-- commands -->', commands()).replace('<!-- configs -->', configs())
    return re.sub(
        r'\]\((?:\.\./)+((?:configs|benchmarks|mmdet_efpn|tools)/[^)]*|[A-Z]+\.md)\)', _outside, markdown
    )


def _outside(match: re.Match) -> str:
    return f']({REPOSITORY}{match[1]})'
