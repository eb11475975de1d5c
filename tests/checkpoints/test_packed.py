"""Packed models: what they hold, what they refuse, and that nothing in them runs."""

import pickle

import pytest
import torch
from mmdet.apis import DetInferencer
from mmengine.config import Config

from mmdet_efpn.checkpoints import pack_model, read_checkpoint, read_packed
from mmdet_efpn.checkpoints.packed import KEY
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.plain_values import plain_values
from mmdet_efpn.utils.read_config import read_config

CLASSES = dict(classes=('square', 'bar'))


@pytest.fixture
def cfg(tiny_config):
    return read_config(tiny_config)


@pytest.fixture
def packed(cfg, trained, tmp_path):
    path = tmp_path / 'model.pth'
    facts = dict(command='mmdet-efpn train a.py', metrics={'coco/bbox_mAP': 0.5})
    pack_model(cfg, trained, path, classes=CLASSES, **facts)
    return path


def changed(path, change):
    """The packed file after its own part was changed by ``change(own)``."""
    content = torch.load(path, weights_only=False)
    change(content['meta'][KEY])
    torch.save(content, path)
    return path


def test_it_says_what_it_is(packed, cfg):
    found = read_packed(packed)
    assert found.classes == ('square', 'bar')
    assert found.command == 'mmdet-efpn train a.py'
    assert found.metrics == {'coco/bbox_mAP': 0.5}
    assert not found.half
    for key in ('model', 'test_dataloader', 'test_evaluator', 'custom_imports'):
        if key in cfg:
            wanted = Config(plain_values({key: cfg.to_dict()[key]}, 'cfg')).to_dict()
            if key == 'model':
                continue  # without the weights that it would load
            assert found.config.to_dict()[key] == wanted[key]
    pipeline = found.config.test_dataloader.dataset.pipeline
    assert isinstance(pipeline[2]['scale'], tuple)  # tuples stay tuples
    assert 'work_dir' not in found.config


def test_weights_are_there_alone(packed, trained):
    content, before = read_checkpoint(packed), read_checkpoint(trained)['state_dict']
    assert set(content) == {'state_dict', 'meta', 'message_hub'}
    assert content['state_dict'].keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in content['state_dict'].items())


def test_half_precision_halves_the_file(packed, cfg, trained, tmp_path):
    half = tmp_path / 'half.pth'
    pack_model(cfg, trained, half, classes=CLASSES, half=True)
    assert half.stat().st_size < 0.65 * packed.stat().st_size
    before = read_checkpoint(trained)['state_dict']
    for name, value in read_checkpoint(half)['state_dict'].items():
        if value.dtype == torch.float16:
            assert value.dim() >= 2
            torch.testing.assert_close(value.float(), before[name], rtol=2**-11, atol=1e-7)
        else:
            assert torch.equal(value, before[name])


def test_values_beyond_float16_stay(cfg, trained, tmp_path):
    loaded = torch.load(trained)
    name = 'backbone.layer1.0.conv1.weight'
    loaded['state_dict'][name][0, 0, 0, 0] = 1e6
    torch.save(loaded, tmp_path / 'large.pth')
    pack_model(cfg, tmp_path / 'large.pth', tmp_path / 'half.pth', classes=CLASSES, half=True)
    assert read_checkpoint(tmp_path / 'half.pth')['state_dict'][name][0, 0, 0, 0] == 1e6


def test_mmdetections_own_inferencer_reads_it(packed, tiny_coco):
    inferencer = DetInferencer(weights=str(packed), device='cpu', show_progress=False)
    (found,) = inferencer(str(tiny_coco / 'images' / '0.png'))['predictions']
    assert len(found['scores']) > 0


def test_what_is_no_packed_model_is_refused(trained, tmp_path, packed):
    with pytest.raises(UserError, match=r'is no packed model: .*mmdet-efpn pack CONFIG'):
        read_packed(trained)
    with pytest.raises(UserError, match='packed in version 99'):
        read_packed(changed(packed, lambda own: own.update(version=99)))


def test_what_does_not_fit_is_not_packed(cfg, trained, tmp_path, packed):
    with pytest.raises(UserError, match='exists; --overwrite'):
        pack_model(cfg, trained, packed, classes=CLASSES)
    with pytest.raises(UserError, match=r'is a \.pth file, got .*model\.pt2'):
        pack_model(cfg, trained, tmp_path / 'model.pt2')
    with pytest.raises(UserError, match='names no classes'):
        pack_model(cfg, trained, tmp_path / 'a.pth')
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(UserError, match='lacks'):
        pack_model(cfg, tmp_path / 'empty.pth', tmp_path / 'a.pth', classes=CLASSES)
    cfg.model.test_cfg.rcnn.made = object()
    with pytest.raises(
        UserError, match=r'cfg\.model\.test_cfg\.rcnn\.made is a object, not a plain value'
    ):
        pack_model(cfg, trained, tmp_path / 'a.pth', classes=CLASSES)
    assert not (tmp_path / 'a.pth').exists()


class Program:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return exec, (f'open({str(self.path)!r}, "w")',)


def test_a_program_in_the_file_does_not_run(packed, tmp_path):
    changed(packed, lambda own: own.update(hidden=Program(tmp_path / 'ran')))
    with pytest.raises(UserError, match=r'the pickle names builtins\.exec'):
        read_packed(packed)
    assert not (tmp_path / 'ran').exists()


def harm(where, **part):
    def change(own):
        node = own['config']
        for key in where[:-1]:
            node = node[key]
        node[where[-1]] = part if part else None

    return change


@pytest.mark.parametrize(
    ('where', 'part', 'said'),
    [
        (
            ('model', 'backbone'),
            dict(type='subprocess.check_output', args=['true']),
            'model.backbone.type',
        ),
        (('model', 'neck'), dict(type='mmengine.utils.call_command', cmd='true'), 'model.neck.type'),
        (('model', 'neck'), dict(type='os.system', command='true'), 'os.system'),
        (('model', 'test_cfg', 'rcnn', 'nms'), dict(type='__import__("os").abort()'), 'nms.type'),
        (('custom_hooks',), dict(type='RFSearchHook'), 'runs text as Python'),
        (('tracker',), dict(type='CameraMotionCompensation', warp_mode='exit()'), 'no model of motion'),
        (('custom_imports',), dict(imports=['antigravity']), 'asks for the import of antigravity'),
        (('model', 'backbone'), dict(type=['ResNet']), 'model.backbone.type'),
    ],
)
def test_a_config_that_would_run_other_code_is_refused(packed, where, part, said):
    with pytest.raises(UserError, match=said.replace('.', r'\.')):
        read_packed(changed(packed, harm(where, **part)))


def test_text_of_a_config_is_not_run(packed, tmp_path):
    """MMEngine's reader runs the text in message_hub; this one does not look at it."""
    content = torch.load(packed, weights_only=False)
    content['message_hub']['runtime_info']['cfg'] = f'open({str(tmp_path / "ran")!r}, "w")'
    torch.save(content, packed)
    assert read_packed(packed).classes == ('square', 'bar')
    assert not (tmp_path / 'ran').exists()


def test_configs_of_the_new_style_are_packed(tmp_path):
    """Their types are whole names of classes."""
    from mmdet_efpn.checkpoints.packed.config_types import require_known_types

    known = dict(model=dict(type='mmdet.models.detectors.FasterRCNN'))
    require_known_types(known, 'a.pth')
    with pytest.raises(UserError, match='init_detector'):
        require_known_types(dict(model=dict(type='mmdet.apis.init_detector')), 'a.pth')


def test_plain_values():
    import numpy as np

    class Text(str):
        pass

    value = dict(a=(1, [2.5, None]), b=np.float32(0.5), c=Text('x'), d={1: True})
    plain = plain_values(value, 'cfg')
    assert plain == dict(a=(1, [2.5, None]), b=0.5, c='x', d={1: True})
    assert type(plain['b']) is float
    assert type(plain['c']) is str
    assert pickle.loads(pickle.dumps(plain)) == plain
    with pytest.raises(UserError, match=r'cfg\.a\[1\] is a set'):
        plain_values(dict(a=[1, {2}]), 'cfg')
    with pytest.raises(UserError, match='has the key None'):
        plain_values({None: 1}, 'cfg')
