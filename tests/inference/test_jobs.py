"""Predictions into files: what is there is kept, what was done stays done, shares make one whole."""

import dataclasses
import filecmp
import json
import os
import signal
import subprocess
import sys
from itertools import chain

import pytest

from mmdet_efpn.engine import Place
from mmdet_efpn.inference import Job, Tiles, find_sources, predict_to_folder
from mmdet_efpn.inference.jobs.journal import FOLDER, Journal
from mmdet_efpn.inference.jobs.shares import share_of
from mmdet_efpn.inference.reading import each_picture
from mmdet_efpn.utils.errors import UserError

FORMATS = ('coco', 'csv', 'labelme', 'pictures', 'yolo')


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path / 'out', FORMATS, score=0.1, show_progress=False)


def same_files(one, other):
    """The two folders hold the same files with the same content."""
    compared = filecmp.dircmp(one, other)
    todo, files = [compared], 0
    while todo:
        part = todo.pop()
        assert not part.left_only, part.left_only
        assert not part.right_only, part.right_only
        _, wrong, errors = filecmp.cmpfiles(part.left, part.right, part.common_files, shallow=False)
        assert not wrong, wrong
        assert not errors, errors
        files += len(part.common_files)
        todo += part.subdirs.values()
    return files


def killed_after(monkeypatch, amount):
    """A prediction ends as by Ctrl-C when so many pictures are noted."""
    add, calls = Journal.add, []

    def dying(self, done):
        if len(calls) == amount:
            raise KeyboardInterrupt
        calls.append(done)
        add(self, done)

    monkeypatch.setattr(Journal, 'add', dying)
    return calls


def test_all_is_written_and_counted(predictor, pictures, video, job):
    summary = predict_to_folder(predictor, find_sources([str(pictures), str(video)]), job)
    assert summary.pictures == 6 + 12
    assert [one.item.path for one in summary.unreadable] == [str(pictures / 'bad.png')]
    out = job.out_dir
    content = json.loads((out / 'predictions.json').read_text())
    assert len(content['images']) == 18
    assert (
        len(content['annotations'])
        == summary.objects
        == len((out / 'predictions.csv').read_text().splitlines()) - 1
    )
    assert [image['frame_id'] for image in content['images'] if 'video' in image] == list(range(12))
    for folder, suffix in (('pictures', 'png'), ('labelme', 'json'), ('yolo/labels', 'txt')):
        assert len(list((out / folder).rglob(f'*.{suffix}'))) >= 18
    assert not (out / FOLDER).exists()
    assert set(summary.written) == {out / name for name in os.listdir(out)}


def test_scores_and_classes_that_are_kept(predictor, pictures, job):
    few = dataclasses.replace(job, formats=('coco',), classes=('bar',), score=0.35)
    sources = find_sources(str(pictures))
    predict_to_folder(predictor, sources, few)
    kept = json.loads((job.out_dir / 'predictions.json').read_text())['annotations']
    assert kept
    assert {one['category_id'] for one in kept} == {2}
    wanted = [
        score
        for one in sources
        if 'bad' not in one.path
        for found in predictor(one.path)['predictions']
        for score, label in zip(found['scores'], found['labels'], strict=True)
        if score >= 0.35 and label == 1
    ]
    assert sorted(one['score'] for one in kept) == pytest.approx(sorted(wanted), abs=1e-5)


def test_what_is_there_is_kept(predictor, pictures, job):
    sources = find_sources(str(pictures))
    predict_to_folder(predictor, sources, job)
    before = (job.out_dir / 'predictions.json').read_bytes()
    with pytest.raises(UserError, match=r'predictions\.json exists; --overwrite'):
        predict_to_folder(predictor, sources, job)
    (job.out_dir / 'predictions.json').unlink()
    (job.out_dir / 'predictions.csv').unlink()
    with pytest.raises(UserError, match='labelme has files; --overwrite'):
        predict_to_folder(predictor, sources, job)
    predict_to_folder(predictor, sources, dataclasses.replace(job, overwrite=True))
    assert (job.out_dir / 'predictions.json').read_bytes() == before
    with pytest.raises(UserError, match='is finished, nothing is left to do'):
        predict_to_folder(predictor, sources, dataclasses.replace(job, resume=True))


def test_interrupted_and_resumed_equals_uninterrupted(
    predictor, pictures, video, job, tmp_path, monkeypatch
):
    sources = find_sources([str(pictures), str(video)])
    whole = dataclasses.replace(job, out_dir=tmp_path / 'whole')
    predict_to_folder(predictor, sources, whole)
    with monkeypatch.context() as patched:
        killed_after(patched, 9)
        with pytest.raises(KeyboardInterrupt):
            predict_to_folder(predictor, sources, job)
    assert sorted(os.listdir(job.out_dir)) == ['labelme', 'pictures', FOLDER, 'yolo']
    with (job.out_dir / FOLDER / '0.jsonl').open('a') as file:
        file.write('{"name": "5.png", "pa')  # a line that a kill cut off
    with pytest.raises(UserError, match='was interrupted: --resume goes on'):
        predict_to_folder(predictor, sources, job)
    resumed = dataclasses.replace(job, resume=True)
    with pytest.raises(UserError, match=r'other settings: score=0\.1, now 0\.2'):
        predict_to_folder(predictor, sources, dataclasses.replace(resumed, score=0.2))
    seen = killed_after(monkeypatch, 1000)
    summary = predict_to_folder(predictor, sources, resumed)
    assert summary.resumed == 9
    assert len(seen) == 6 + 1 + 12 - 9
    # LabelMe's paths to pictures are relative, and the two folders lie side by side.
    assert same_files(job.out_dir, whole.out_dir) > 40


def test_resuming_what_was_not_begun_begins(predictor, pictures, job):
    summary = predict_to_folder(
        predictor, find_sources(str(pictures)), dataclasses.replace(job, resume=True)
    )
    assert summary.resumed == 0
    assert summary.pictures == 6


def test_a_kill_leaves_what_was_done(tiny_config, trained, pictures, child_environment, tmp_path):
    program = (
        'import os, signal, sys\n'
        'from mmdet_efpn.cli.main import main\n'
        'from mmdet_efpn.inference.jobs.journal import Journal\n'
        'add, calls = Journal.add, []\n'
        'def dying(self, done):\n'
        '    calls.append(add(self, done))\n'
        '    if len(calls) == 3: os.kill(os.getpid(), signal.SIGKILL)\n'
        'Journal.add = dying\n'
        'main(sys.argv[1:])\n'
    )
    words = ['predict', tiny_config, trained, pictures, '--device', 'cpu', '--format', 'coco']
    done = subprocess.run(
        [sys.executable, '-c', program, *map(str, words)], cwd=tmp_path, env=child_environment
    )
    assert done.returncode == -signal.SIGKILL
    journal = Journal(tmp_path / 'predictions')
    journal.read()
    assert len(journal) == 3
    assert os.listdir(tmp_path / 'predictions') == [FOLDER]


def test_shares_are_all_of_it_once(pictures, video):
    sources = find_sources([str(pictures), str(video)])
    for every, world in ((1, 2), (2, 2), (3, 4)):
        everything = [item.key for item in each_picture(sources, every)]
        shares = [
            [
                item.key
                for item in each_picture(sources, every, share_of(sources, Place(rank, world), every))
            ]
            for rank in range(world)
        ]
        assert sorted(map(str, chain(*shares))) == sorted(map(str, everything))
        assert max(map(len, shares)) - min(map(len, shares)) <= 2


@pytest.mark.parametrize('words', [[], ['--tile', '40', '--overlap', '10']])
def test_two_processes_write_what_one_writes(
    words, predictor, tiny_config, trained, pictures, video, run_tool, tmp_path
):
    tiles = Tiles(40, 10) if words else None
    one = Job(tmp_path / 'one', FORMATS, score=0.1, every=2, tiles=tiles, show_progress=False)
    predict_to_folder(predictor, find_sources([str(pictures), str(video)]), one)
    options = ['--out', tmp_path / 'two', '--score', '0.1', '--every', '2', *words, '--format', *FORMATS]
    shared = [tiny_config, trained, 2, pictures, video, *options]
    done = run_tool('dist_predict.sh', *shared, cwd=tmp_path, check=False)
    assert done.stdout.count('written: ') == len(FORMATS)  # one process says it
    assert '1 could not be read' in done.stderr
    assert done.returncode == 1
    assert same_files(tmp_path / 'one', tmp_path / 'two') > 30


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        (dict(score=2), 'from 0 to 1, got 2'),
        (dict(batch_size=0), 'whole numbers from 1'),
        (dict(overwrite=True, resume=True), 'take one of them'),
    ],
)
def test_jobs_are_checked(job, changes, said):
    with pytest.raises(UserError, match=said):
        dataclasses.replace(job, **changes)
