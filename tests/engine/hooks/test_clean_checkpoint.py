"""What a runner takes from a checkpoint that it tests or resumes."""

import pickle
import shutil

import pytest
import torch


@pytest.mark.parametrize('form', ['bare', 'module._orig_mod.', 'model'])
def test_a_test_finds_the_weights(tiny_config, trained, command, tmp_path, form):
    """The same detections as from the plain file, whatever the names look like."""
    weights = torch.load(trained, weights_only=True)['state_dict']
    saved = dict(bare=weights, model=dict(model=weights)).get(form)
    if saved is None:
        saved = dict(state_dict={form + name: weight for name, weight in weights.items()})
    torch.save(saved, tmp_path / 'other.pth')
    boxes = []
    for checkpoint in (trained, tmp_path / 'other.pth'):
        out = tmp_path / f'{len(boxes)}.pkl'
        words = ['test', tiny_config, checkpoint, '--out', out, '--work-dir', tmp_path / 'run']
        code, _, error = command(*words)
        assert code == 0, error
        boxes.append([p['pred_instances']['bboxes'] for p in pickle.loads(out.read_bytes())])
    assert len(boxes[0]) == 6
    assert all(torch.equal(one, other) for one, other in zip(*boxes, strict=True))
    assert not list(tmp_path.glob('.*'))  # no half-written file
    code, _, error = command(*words)
    assert code == 2
    assert '1.pkl exists; --overwrite replaces it' in error


def test_the_config_in_a_checkpoint_is_not_run(uninterrupted_run, run_tool, tiny_config, tmp_path):
    """MMEngine runs it when it resumes."""
    shutil.copy(uninterrupted_run / 'iter_4.pth', tmp_path / 'mine.pth')
    saved = torch.load(tmp_path / 'mine.pth', weights_only=False)
    assert 'config' not in saved['meta'] or isinstance(saved['meta']['config'], str)
    saved['meta']['config'] = saved['meta'].get('cfg', '') + (
        f'\nfrom pathlib import Path\nPath({str(tmp_path / "ran")!r}).touch()\n'
    )
    torch.save(saved, tmp_path / 'mine.pth')
    run_tool('train.py', tiny_config, '--work-dir', 'run', '--resume', 'mine.pth', cwd=tmp_path)
    assert (tmp_path / 'run' / 'iter_6.pth').is_file()
    assert not (tmp_path / 'ran').exists()
