"""The report on GPUs: turns, failures, its rows, and the script, tried on the CPU in small."""

import json
import os
import subprocess

import pytest
import torch

from benchmarks import gpu_report
from benchmarks.common.in_turn import Trial, rows_in_turn, table


def test_models_take_turns_and_one_that_fails_stops_none():
    log, clock = (
        [],
        iter([0.0, 0.0, 4.0, 8.0, 2.0, 6.0, 3.0, 7.0, 0.0, 10.0, 20.0, 30.0]),
    )  # 0: warming up

    def build(name):
        if name == 'gone':
            raise ValueError('no such file\nand more')

        def train():
            if name == 'broken':
                raise RuntimeError('out of memory')
            return next(clock)

        def forward():
            log.append(name)
            return next(clock)

        return dict(forward=forward, training=train)

    trials = [Trial(name, lambda name=name: build(name)) for name in ('a', 'gone', 'broken')]
    rows = list(rows_in_turn(trials, torch.device('cpu'), 3))
    assert log[:2] == ['a', 'broken']  # one round warms up
    assert log[2:8] == ['a', 'broken'] * 3
    failed = {row['name']: row['error'] for row in rows if 'error' in row}
    assert failed == {'gone': 'ValueError: no such file', 'broken': 'RuntimeError: out of memory'}
    times = {(row['name'], row['pass']): row['ms'] for row in rows if 'ms' in row}
    # a: 4, 2 and 3 s; broken: 8, 6 and 7; then a alone: 10, 20 and 30
    assert times == {('a', 'forward'): 3e3, ('broken', 'forward'): 7e3, ('a', 'training'): 2e4}
    lines = table(rows).splitlines()
    assert '| a | 3000.0 (1.00x) | n/a | 20000.0 (1.00x) | n/a |' in lines
    assert '| broken | 7000.0 (2.33x) | n/a | failed |  |' in lines
    assert 'gone: ValueError: no such file' in lines


def test_peaks_have_their_ratio():
    rows = [
        {'name': name, 'pass': 'forward', 'ms': 1.0, 'peak_mib': peak}
        for name, peak in (('a', 100), ('b', 150))
    ]
    assert table(rows).splitlines()[-1] == '| b | 1.0 (1.00x) | 150 (1.50x) |'


@pytest.mark.parametrize('part', ['necks', 'detectors'])
def test_a_part_in_small(part, tmp_path, capsys):
    assert gpu_report.main([part, '--tiny', '--device', 'cpu', '--out', str(tmp_path)]) == 0
    rows = [json.loads(line) for line in (tmp_path / 'rows.jsonl').read_text().splitlines()]
    passes = dict(
        necks=('forward', 'forward + backward'), detectors=('training iteration', 'prediction')
    )
    expected = [(name, one) for one in passes[part] for name in ('FPN', 'efpn-light')]
    assert [(row['name'], row['pass']) for row in rows] == expected
    for row in rows:
        assert row['ms'] > 0
        assert (row['part'], row['card'], row['precision']) == (part, 'CPU', 'bfloat16 autocast')
    report = (tmp_path / 'report.md').read_text()
    assert report.startswith('## R-50')
    assert report.count('| efpn-light |') == 1
    assert report.strip() in capsys.readouterr().out


def test_every_design_can_be_built_from_its_config():
    for designs, *_ in gpu_report.PARTS.values():
        for name, config in designs.items():
            subject = gpu_report.parse_subject(config, (64, 96), 'backbone+neck', {})
            neck = subject._cfg().model.neck
            assert ('ftt' in neck) == ('FPN' not in name.split(', ')), name


STUB = """#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
    *gpu_report\\ detectors*) exit 3;;
    *gpu_report\\ necks*) echo "| FPN | 1.0 |"; echo "timing forward";;
    -c*) echo cpu;;
esac
"""


def test_the_script_goes_on_after_a_failure(repository, tmp_path):
    stub, log, out = tmp_path / 'python', tmp_path / 'log', tmp_path / 'out'
    stub.write_text(STUB)
    stub.chmod(0o755)

    def run():
        return subprocess.run(
            ['bash', str(repository / 'benchmarks' / 'gpu_report.sh'), str(out)],
            env=dict(os.environ, PYTHON=str(stub), LOG=str(log)),
            capture_output=True,
            text=True,
        )

    done = run()
    assert done.returncode == 1
    assert done.stderr.startswith('failed: detectors;')
    started = log.read_text()
    for part in (
        'necks',
        'x101',
        'compiled',
        'channels_last',
        'benchmarks.attention',
        'mmdet_efpn cost',
        '-m gpu',
    ):
        assert part in started
    assert '--tiny' not in started
    assert '| FPN | 1.0 |' in done.stdout
    assert 'timing forward' not in done.stdout
    assert 'timing forward' in (out / 'steps.log').read_text()
    (out / 'report.md').touch()
    again = run()
    assert again.returncode == 2
    assert 'holds a report' in again.stderr


@pytest.mark.slow
def test_the_script_in_small(repository, tmp_path, child_environment):
    done = subprocess.run(
        ['bash', str(repository / 'benchmarks' / 'gpu_report.sh'), '--tiny', str(tmp_path / 'out')],
        env=child_environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = (tmp_path / 'out' / 'report.md').read_text()
    assert report.count('| efpn-light |') == 4
    assert report.count('X-101, efpn-light') == 1
    assert json.loads((tmp_path / 'out' / 'attention.json').read_text())['results']
    assert (tmp_path / 'out' / 'profile.png').stat().st_size > 1000
