"""The sweep over all configs: its sample, its rows, its page, and a small share of it for real."""

import csv
import io

import pytest

from benchmarks.common.config_trial import FAILED, NOT_LOADED, REFUSED, TRAINED, try_config
from benchmarks.common.sweep_page import csv_text, page
from benchmarks.detectors_sweep import main, sample_of, shipped_configs


def test_a_sample_has_each_family_once_first():
    names = [f'{family}/{i}.py' for family in 'abcdef' for i in range(5)]
    sample = sample_of(names, 6, seed=3)
    assert sorted(name[0] for name in sample) == list('abcdef')
    assert sample == sample_of(names, 6, seed=3)
    assert sample != sample_of(names, 6, seed=4)
    assert len(set(sample_of(names, 20, seed=0))) == 20


def test_every_shipped_config_is_listed():
    configs = shipped_configs()
    assert len(configs) > 700
    assert not [name for name in configs if '_base_' in name]


def test_what_becomes_of_a_file(tmp_path):
    files = dict(
        trained="_base_ = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'\n",
        refused="_base_ = 'mmdet::detr/detr_r50_8xb2-150e_coco.py'\n",
        broken="_base_ = './gone.py'\n",
        script='raise SystemExit(3)\n',
    )
    rows = {}
    for name, text in files.items():
        path = tmp_path / f'{name}.py'
        path.write_text(text)
        rows[name] = try_config(str(path))
    assert rows['trained']['status'] == TRAINED
    assert rows['trained']['strides'] == '2 4 8 16 32 64 128'
    assert rows['refused']['status'] == REFUSED
    assert 'attends to one map alone' in rows['refused']['reason']
    assert rows['broken']['status'] == NOT_LOADED
    assert rows['script']['status'] == NOT_LOADED


def test_the_page_counts_by_status_family_and_reason():
    table = [
        ('a/1.py', 'A', TRAINED, '2 4', ''),
        ('a/2.py', 'A', REFUSED, '', 'no 3 levels'),
        ('b/1.py', 'B', REFUSED, '', 'no 4 levels'),
        ('b/2.py', 'B', FAILED, '', 'E: x|y'),
    ]
    keys = ('config', 'kind', 'status', 'strides', 'reason')
    rows = [dict(zip(keys, values, strict=True)) for values in table]
    text = page(rows, minutes=3.4, workers=2)
    assert '| extended and trained a step | 1 |' in text
    assert '| refused, with a reason | 2 |' in text
    assert '| a | 2 | 1 |  | 1 |  |  |' in text
    assert '| 2 | refused | no 3 levels | a/2.py |' in text
    assert r'E: x\|y' in text
    written = list(csv.DictReader(io.StringIO(csv_text(rows))))
    assert [row['status'] for row in written] == [row['status'] for row in rows]


def run_sample(count, tmp_path, capsys):
    rows = tmp_path / 'rows.jsonl'
    main(['--sample', str(count), '--rows', str(rows)])
    said = capsys.readouterr().out
    assert len(rows.read_text().splitlines()) >= count
    assert f' {FAILED} ' not in said, said
    return said


def test_twelve_configs_of_as_many_families(tmp_path, capsys):
    assert run_sample(12, tmp_path, capsys).count(': trained') >= 6


@pytest.mark.slow
def test_sixty_configs(tmp_path, capsys):
    assert run_sample(60, tmp_path, capsys).count(': trained') >= 40
