"""Which checkpoint a run goes on from, and which it skips."""

import os

import pytest
import torch

from mmdet_efpn import engine
from mmdet_efpn.checkpoints import DamagedFileError, last_checkpoint
from mmdet_efpn.engine import load_run_config
from mmdet_efpn.utils.errors import UserError


@pytest.fixture
def run(tmp_path):
    """Function that saves checkpoints in a work folder, one after the other; gives the folder."""

    def save(*names, note=None):
        for name in names:
            torch.save(dict(state_dict=dict(weight=torch.zeros(1000))), tmp_path / name)
            os.utime(tmp_path / name, (len(os.listdir(tmp_path)),) * 2)
        if note:
            (tmp_path / 'last_checkpoint').write_text(note)
        return tmp_path

    return save


def cut(path, keep=0.5):
    """What a kill leaves of a file."""
    content, when = path.read_bytes(), path.stat().st_mtime
    path.write_bytes(content[: int(len(content) * keep)])
    os.utime(path, (when, when))


def zero(path):
    """What a lost disk block leaves: the list of contents is whole, the numbers are not."""
    content = bytearray(path.read_bytes())
    content[1000:3000] = bytes([255]) * 2000
    path.write_bytes(content)


def test_an_empty_folder_has_none(tmp_path):
    assert last_checkpoint(tmp_path / 'new').path is None


def test_the_note_counts_by_its_files_name(run):
    folder = run('iter_2.pth', 'iter_4.pth', note='/moved/from/here/iter_4.pth')
    assert last_checkpoint(folder).path == str(folder / 'iter_4.pth')


def test_a_note_to_a_file_that_is_gone(run):
    folder = run('iter_2.pth', note='/elsewhere/iter_4.pth')
    assert last_checkpoint(folder).path == str(folder / 'iter_2.pth')


@pytest.mark.parametrize('damage', [cut, zero])
def test_a_damaged_one_that_is_noted_is_named_and_the_one_before_taken(run, damage):
    folder = run('iter_8.pth', 'iter_10.pth', 'iter_12.pth', note='iter_12.pth')
    damage(folder / 'iter_12.pth')
    found = last_checkpoint(folder)
    assert found.path == str(folder / 'iter_10.pth')
    assert found.damaged == (str(folder / 'iter_12.pth'),)


def test_one_that_was_cut_off_before_the_note_was_written_is_named(run):
    folder = run('epoch_1.pth', 'epoch_2.pth', note='epoch_1.pth')
    cut(folder / 'epoch_2.pth')
    found = last_checkpoint(folder)
    assert found.path == str(folder / 'epoch_1.pth')
    assert found.damaged == (str(folder / 'epoch_2.pth'),)


def test_a_whole_one_that_is_not_noted_yet_is_taken(run):
    folder = run('epoch_1.pth', 'epoch_2.pth', note='epoch_1.pth')
    assert last_checkpoint(folder).path == str(folder / 'epoch_2.pth')


def test_leftovers_of_an_earlier_run_do_not_count(run):
    folder = run('iter_10.pth', 'iter_2.pth', note='iter_2.pth')
    assert last_checkpoint(folder).path == str(folder / 'iter_2.pth')


def test_without_a_note_the_newest_whole_one_counts(run):
    folder = run('iter_10.pth', 'iter_2.pth', 'iter_4.pth')
    cut(folder / 'iter_4.pth', keep=0.99)
    assert last_checkpoint(folder).path == str(folder / 'iter_2.pth')


def test_all_damaged_is_an_error_with_their_names(run):
    folder = run('iter_2.pth', 'iter_4.pth', note='iter_4.pth')
    cut(folder / 'iter_2.pth')
    cut(folder / 'iter_4.pth')
    with pytest.raises(UserError, match=r'none .* is whole.*iter_4\.pth, .*iter_2\.pth.*--overwrite'):
        last_checkpoint(folder)


def test_resume_says_what_it_skipped(run, tiny_config):
    folder = run('iter_2.pth', 'iter_4.pth', note='iter_4.pth')
    cut(folder / 'iter_4.pth')
    cfg = load_run_config(tiny_config, [], str(folder))
    said = engine.set_resume(cfg, 'auto')
    assert said.startswith(f'--resume: continuing from {folder / "iter_2.pth"}')
    assert said.endswith(f'damaged: {folder / "iter_4.pth"})')
    assert cfg.load_from == str(folder / 'iter_2.pth')
    with pytest.raises(DamagedFileError, match=r'iter_4\.pth is damaged'):
        engine.set_resume(cfg, str(folder / 'iter_4.pth'))
