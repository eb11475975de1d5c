"""The five cases of docs/how_to/extend.md: each command runs and says what the page says."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'how_to' / 'extend.md'
CASES = PAGE.read_text().partition('## Five cases')[2].partition('\n## ')[0].split('\n### ')[1:]
BLOCK = re.compile(r'^```(\w+)\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def test_there_are_five():
    assert len(CASES) == 5


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.splitlines()[0])
def test_the_report_is_the_page(case, command, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    blocks = dict(BLOCK.findall(case))
    if 'python' in blocks:
        Path(re.search(r'`(\w+\.py)`', case)[1]).write_text(blocks['python'])
    program, *words = blocks['bash'].split()
    assert program == 'mmdet-efpn'
    code, said, error = command(*words)
    assert code == 0, error
    assert said == blocks['text']
