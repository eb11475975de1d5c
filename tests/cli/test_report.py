"""``mmdet-efpn report``."""

import pytest

CONFIG = "default_scope = 'mmdet'\nmodel = dict(type='FasterRCNN')\n"
LINE = '{"lr": 0.1, "loss": 2.0, "time": 1.0, "step": 1}\n'


@pytest.fixture
def small_run(tmp_path):
    """The folder of a run that was cut off after its first logged line."""
    run = tmp_path / 'run'
    log = run / '20260101_000000' / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(LINE)
    (run / 'config.py').write_text(CONFIG)
    return run


def test_the_page_lies_in_the_run_and_is_not_replaced(command, small_run):
    code, out, errors = command('report', small_run)
    assert code == 0
    assert f'written: {small_run / "report.html"}' in out
    assert 'warning: Missing: AP by class' in errors
    page = (small_run / 'report.html').read_text()
    assert page.startswith('<!DOCTYPE html>')
    code, _, errors = command('report', small_run)
    assert (code, '--overwrite replaces it' in errors) == (2, True)
    assert command('report', small_run, '--overwrite')[0] == 0
    assert (small_run / 'report.html').read_text() == page


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['no_such_run'], 'run not found: no_such_run'),
        (['run', '--predictions', 'none.json'], 'predictions not found: none.json'),
        (['run', '--cfg-options', 'modl.type=1'], 'modl'),
        (['.'], 'is no run'),
        (['run', '--num', '0'], '--num'),
    ],
)
def test_mistakes_are_one_line(command, small_run, monkeypatch, words, said):
    monkeypatch.chdir(small_run.parent)
    code, _, errors = command('report', *words)
    assert code == 2
    assert said in errors
    assert len(errors.strip().splitlines()) == 1
    assert sorted(path.name for path in small_run.parent.iterdir()) == ['run']
    assert not (small_run / 'report.html').exists()
