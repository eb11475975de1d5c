"""The pages: links that lead somewhere, blocks that run, names that exist."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_efpn.cli.main import COMMANDS, command_parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / 'docs').rglob('*.md'))
READMES = sorted(
    [*ROOT.glob('*.md'), *(ROOT / 'configs').rglob('*.md'), ROOT / 'benchmarks' / 'README.md']
)
PAGES = [*DOCS, *READMES]
# a comment on the line before a fence says whether a test runs the block, or why none does
BLOCK = re.compile(r'(?:<!-- ([^\n]*) -->\n)?^```(bash|python)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
LINK = re.compile(r'(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)')
NAMED = re.compile(r'(?<![\w/.-])((?:configs|benchmarks|mmdet_efpn|tools|tests|docs)/[\w./-]*\w\.\w+)')
GENERATED = {'commands', 'configs'}  # pages whose headings docs/hooks.py makes


def page_id(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as MkDocs and GitHub make them."""
    text = re.sub(r'```.*?```', '', page.read_text(), flags=re.DOTALL)
    found = {
        re.sub(r'[^\w\- ]', '', heading.strip().lower()).replace(' ', '-')
        for heading in re.findall(r'^#+ (.*)$', text, re.MULTILINE)
    }
    if '<!-- commands -->' in text:
        found |= set(COMMANDS)
    return found


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_no_placeholder_is_left(page):
    assert '@@' not in page.read_text()


def test_there_are_pages():
    assert len(DOCS) > 15
    assert len(READMES) > 8


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_links_and_pictures_lead_somewhere(page):
    for groups in LINK.findall(page.read_text()):
        target = groups[0] or groups[1]
        if '://' in target or target.startswith('mailto:'):
            continue
        path, _, anchor = target.partition('#')
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f'{page_id(page)} links to {target}'
        if anchor and there.suffix == '.md':
            assert anchor in anchors(there), f'{page_id(page)} links to {target}'


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_files_that_are_named_exist(page):
    if page.name == 'CHANGELOG.md':  # it names what went
        return
    for name in set(NAMED.findall(page.read_text())):
        assert (ROOT / name).exists(), f'{page_id(page)} names {name}'


def blocks(page: Path) -> list[tuple[str | None, str, str]]:
    return BLOCK.findall(page.read_text())


@pytest.mark.parametrize('page', [*DOCS, ROOT / 'README.md'], ids=page_id)
def test_every_block_runs_or_says_why_not(page):
    for mark, _, text in blocks(page):
        assert re.fullmatch(r'run|run slowly|run: \S+\.py|not run: \S.*', mark), (
            f'{page_id(page)}: a block without a mark: {text[:60]}'
        )
        if mark.startswith('run: '):
            assert (ROOT / mark.removeprefix('run: ')).is_file()


@pytest.mark.parametrize('page', PAGES, ids=page_id)
def test_commands_and_their_options_exist(page):
    for _, language, text in blocks(page):
        if language != 'bash':
            continue
        for line in text.replace('\\\n', ' ').splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] != ['mmdet-efpn']:
                continue
            assert words[1] in COMMANDS, f'{page_id(page)}: {line}'
            known = set()
            for name in [words[1], *(['train'] if words[1] == 'recipe' else [])]:
                parser = command_parser(name)
                known |= {option for action in parser._actions for option in action.option_strings}
                for action in parser._actions:
                    for choice in (
                        (getattr(action, 'choices', None) or {}).values()
                        if (isinstance(getattr(action, 'choices', None), dict))
                        else ()
                    ):
                        known |= {o for a in choice._actions for o in a.option_strings}
            options = {word.split('=')[0] for word in words if word.startswith('--')}
            assert options <= known, f'{page_id(page)}: {line}'


def run_page(page: Path, marks: tuple[str, ...], environment: dict, folder: Path) -> None:
    """Runs a page's marked blocks in order, in one folder."""
    names = Path(sys.executable).parent
    (folder / 'bin').mkdir()
    command = folder / 'bin' / 'mmdet-efpn'  # as the installed script, of this checkout
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m mmdet_efpn "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(folder / 'bin'), str(names), os.environ['PATH']])
    where = folder / 'work'
    where.mkdir()
    for mark, language, text in blocks(page):
        if mark not in marks:
            continue
        words = ['bash', '-euc', text] if language == 'bash' else [sys.executable, '-c', text]
        done = subprocess.run(
            words,
            cwd=where,
            env=dict(environment, PATH=path),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, f'{text}\n{done.stdout[-2000:]}{done.stderr[-3000:]}'


RUN = [page for page in [*DOCS, ROOT / 'README.md'] if any(mark == 'run' for mark, _, _ in blocks(page))]


@pytest.mark.parametrize('page', RUN, ids=page_id)
def test_blocks_run(page, child_environment, tmp_path):
    run_page(page, ('run',), child_environment, tmp_path)


SLOW = [page for page in DOCS if any(mark == 'run slowly' for mark, _, _ in blocks(page))]


@pytest.mark.slow
@pytest.mark.parametrize('page', SLOW, ids=page_id)
def test_slow_blocks_run(page, child_environment, tmp_path):
    run_page(page, ('run', 'run slowly'), child_environment, tmp_path)
