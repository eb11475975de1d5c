"""No command runs a program that a file of weights or predictions holds; each names what it refused."""

import pickle

import pytest
import torch

FILES = dict(checkpoint='bad.pth', pickled='bad.pkl', packed='bad.pth', predictions='found.pkl')
COMMANDS = {
    'draw': 'draw {config} {checkpoint}',
    'test': 'test {config} {checkpoint} --work-dir {folder}',
    'test a packed model': 'test {packed} --work-dir {folder}',
    'predict': 'predict {config} {checkpoint} {picture} --out {folder}/found',
    'predict by a packed model': 'predict {packed} {picture} --out {folder}/found',
    'pack': 'pack {config} {checkpoint} {folder}/packed.pth',
    'extend-weights': 'extend-weights {checkpoint} {config} {folder}/out.pth',
    'extend-weights of a pickle': 'extend-weights {pickled} {config} {folder}/out.pth',
    'train --resume': 'train {config} --resume {checkpoint} --work-dir {folder}',
    'train, load_from': 'train {config} --work-dir {folder} --cfg-options load_from={checkpoint}',
    'train, init_cfg': 'train {child} --work-dir {folder}',
    'compare': 'compare {config} {predictions} {predictions}',
    'errors': 'errors {config} {predictions} --out {folder}/errors',
}


class Program:
    """Writes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return exec, (f'open({self.mark!r}, "w").close()',)


@pytest.mark.parametrize('words', COMMANDS.values(), ids=list(COMMANDS))
def test_a_program_in_a_file_does_not_run(words, tiny_config, tiny_coco, command, tmp_path):
    program = Program(tmp_path / 'ran')
    places = {name: tmp_path / file for name, file in FILES.items()}
    torch.save(dict(state_dict={}, meta=dict(hidden=program)), places['checkpoint'])
    places['pickled'].write_bytes(pickle.dumps(dict(model=dict(weight=program))))
    places['predictions'].write_bytes(pickle.dumps([dict(img_id=1, pred_instances=program)]))
    places['child'] = tmp_path / 'child.py'
    init_cfg = dict(_delete_=True, type='Pretrained', checkpoint=str(places['checkpoint']))
    places['child'].write_text(
        f"_base_ = '{tiny_config}'\nmodel = dict(backbone=dict(init_cfg={init_cfg}))\n"
    )
    picture = next((tiny_coco / 'images').iterdir())
    filled = words.format(config=tiny_config, folder=tmp_path / 'run', picture=picture, **places)
    code, _, error = command(*filled.split())
    assert not (tmp_path / 'ran').exists()
    assert code == 2, error
    last = error.strip().splitlines()[-1]
    assert last.startswith(f'mmdet-efpn {words.split()[0]}: error: ')
    assert 'the pickle names builtins.exec' in last
    assert 'nothing of it was run' in last
