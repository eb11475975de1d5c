"""Checkpoints with a program in them do not run it; those of a training load whole."""

import argparse
import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from safetensors.torch import save_file
from torch import nn

from mmdet_efpn.checkpoints import DamagedFileError, read_checkpoint, safe_load
from mmdet_efpn.utils.errors import MissingFileError, UserError
from mmdet_efpn.utils.safe_pickle import SafeUnpickler, UnsafePickleError

FORMATS = ({}, dict(_use_new_zipfile_serialization=False), dict(pickle_protocol=4))


class Program:
    """Writes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return exec, (f'open({self.mark!r}, "w").close()',)


@pytest.fixture(params=['torch', 'older torch'])
def reader(request, monkeypatch):
    """Both ways to read: torch's own from 2.6 on, and the one before it."""
    monkeypatch.setattr(safe_load, 'HAS_ALIASES', request.param == 'torch')


def training_state():
    """What MMEngine's runner saves, with EMAHook, and what others put beside it."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.rand(1, 3, 8, 8)).sum().backward()
    optimizer.step()
    return dict(
        state_dict=net.state_dict(),
        ema_state_dict=ExponentialMovingAverage(net).state_dict(),
        optimizer=optimizer.state_dict(),
        message_hub=dict(
            log_scalars=OrderedDict(loss=HistoryBuffer([1.5, 0.5], [1, 1])),
            runtime_info=OrderedDict(iter=3, area=np.float64(2.5), seen=np.int64(4), ok=np.bool_(True)),
            resumed_keys=OrderedDict(),
        ),
        meta=dict(
            dataset_meta=ConfigDict(classes=('a', 'b'), palette=np.array([[1, 2, 3]], dtype=np.uint8)),
            seed=1,
            window=slice(1, 4),
            args=argparse.Namespace(lr=0.1),
            device=torch.device('cpu'),
            dtype=torch.bfloat16,
            names=np.array(['a', 'bc']),
        ),
    )


@pytest.mark.parametrize('how', FORMATS)
def test_a_trainings_state_loads_whole(reader, tmp_path, how):
    state = training_state()
    torch.save(state, tmp_path / 'whole.pth', **how)
    loaded = read_checkpoint(tmp_path / 'whole.pth')
    for key in ('state_dict', 'ema_state_dict'):
        assert list(loaded[key]) == list(state[key])
        assert all(torch.equal(loaded[key][name], state[key][name]) for name in state[key])
    moment = loaded['optimizer']['state'][0]['exp_avg']
    assert torch.equal(moment, state['optimizer']['state'][0]['exp_avg'])
    loss = loaded['message_hub']['log_scalars']['loss']
    assert isinstance(loss, HistoryBuffer)
    assert loss.mean() == 1.0
    assert loaded['message_hub']['runtime_info'] == state['message_hub']['runtime_info']
    meta = loaded['meta']
    assert meta['dataset_meta']['classes'] == ('a', 'b')
    assert meta['dataset_meta']['palette'].tolist() == [[1, 2, 3]]
    assert (meta['window'], meta['args'].lr, meta['dtype']) == (slice(1, 4), 0.1, torch.bfloat16)
    assert meta['names'].tolist() == ['a', 'bc']


def test_numpy_1_and_2_read_each_others_files(reader, tmp_path):
    torch.save(dict(state_dict={}, figure=np.float64(2.5)), tmp_path / 'new.pth')
    content = (tmp_path / 'new.pth').read_bytes()
    name, other = b'numpy._core.multiarray', b'numpy.core.multiarray'
    if name not in content:
        name, other = other, name
    with zipfile.ZipFile(tmp_path / 'new.pth') as old, zipfile.ZipFile(tmp_path / 'x.pth', 'w') as new:
        for record in old.infolist():
            new.writestr(record.filename, old.read(record).replace(name, other))
    assert read_checkpoint(tmp_path / 'x.pth')['figure'] == 2.5


@pytest.mark.parametrize('how', FORMATS)
@pytest.mark.parametrize('place', ['state_dict', 'meta', 'optimizer'])
def test_a_program_is_named_and_does_not_run(reader, tmp_path, how, place):
    state = dict(state_dict=dict(weight=torch.zeros(2)), meta={}, optimizer={})
    state[place]['hidden'] = Program(tmp_path / 'ran')
    torch.save(state, tmp_path / 'bad.pth', **how)
    told = r'bad\.pth .*builtins\.exec.*nothing of it was run'
    with pytest.raises(UnsafePickleError, match=told) as error:
        read_checkpoint(tmp_path / 'bad.pth')
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'ran').exists()


class GetsAt:
    """Reads an attribute of an allowed object, as a step to a program."""

    def __reduce__(self):
        return getattr, (HistoryBuffer, '__init__')


def test_attributes_are_no_way_out(reader, tmp_path):
    torch.save(dict(state_dict={}, hidden=GetsAt()), tmp_path / 'bad.pth')
    with pytest.raises(UserError, match=r"bad\.pth .*'__init__'"):
        read_checkpoint(tmp_path / 'bad.pth')


def test_state_is_set_on_data_alone(tmp_path):
    """BUILD on a function would change it for the whole process."""
    stream = b'\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00aK\x01s\x86b.'
    with pytest.raises(UnsafePickleError, match='sets the state of a function'):
        SafeUnpickler(io.BytesIO(stream)).load()
    assert not hasattr(torch._utils._rebuild_tensor_v2, 'a')


def test_a_tensors_own_file_inside_a_pickle_is_read_safely(tmp_path):
    """A plain pickle holds a tensor as a file of torch's, in which a program could hide, too."""

    class Nested:
        def __reduce__(self):
            inner = io.BytesIO()
            torch.save(Program(tmp_path / 'ran'), inner)
            return torch.storage._load_from_bytes, (inner.getvalue(),)

    with pytest.raises(UnsafePickleError, match=r'builtins\.exec'):
        SafeUnpickler(io.BytesIO(pickle.dumps(Nested()))).load()
    assert not (tmp_path / 'ran').exists()


def test_a_whole_module_or_program_is_refused(reader, tmp_path):
    net = nn.Linear(2, 2)
    torch.save(net, tmp_path / 'net.pth')
    with pytest.raises(UnsafePickleError, match=r'torch\.nn\.modules\.linear\.Linear'):
        read_checkpoint(tmp_path / 'net.pth')
    torch.jit.save(torch.jit.script(net), tmp_path / 'script.pth')
    with pytest.raises(UnsafePickleError, match='TorchScript'):
        read_checkpoint(tmp_path / 'script.pth')


def test_damaged_files_are_named(reader, tmp_path):
    torch.save(dict(state_dict=dict(weight=torch.rand(100))), tmp_path / 'cut.pth')
    whole = (tmp_path / 'cut.pth').read_bytes()
    for content in (whole[:-50], b'', b'<html>not found</html>'):
        (tmp_path / 'cut.pth').write_bytes(content)
        with pytest.raises(DamagedFileError, match=r'cut\.pth is damaged or no file of weights'):
            read_checkpoint(tmp_path / 'cut.pth')
    with pytest.raises(MissingFileError, match=r'gone\.pth'):
        read_checkpoint(tmp_path / 'gone.pth')
    torch.save(torch.zeros(3), tmp_path / 'tensor.pth')
    with pytest.raises(DamagedFileError, match='holds a Tensor'):
        read_checkpoint(tmp_path / 'tensor.pth')


def test_safetensors_are_read(tmp_path):
    weights = {'conv.weight': torch.rand(2, 3), 'bn.running_mean': torch.ones(4, dtype=torch.float16)}
    save_file(weights, tmp_path / 'net.safetensors')
    found = read_checkpoint(tmp_path / 'net.safetensors')
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    net = nn.Linear(3, 2)
    save_file(dict(weight=torch.ones(2, 3), bias=torch.zeros(2)), tmp_path / 'linear.safetensors')
    load_checkpoint(net, str(tmp_path / 'linear.safetensors'))
    assert net.weight.sum() == 6


def test_a_cut_off_safetensors_file_is_damaged(tmp_path):
    save_file({'a': torch.ones(100)}, tmp_path / 'cut.safetensors')
    whole = (tmp_path / 'cut.safetensors').read_bytes()
    for end in (0, 4, 40, len(whole) - 8):
        (tmp_path / 'cut.safetensors').write_bytes(whole[:end])
        with pytest.raises(DamagedFileError, match=r'cut\.safetensors is damaged'):
            read_checkpoint(tmp_path / 'cut.safetensors')


def by_function(file):
    load_checkpoint(nn.Linear(2, 2), file)


def by_init_cfg(file):
    cfg = dict(type='ResNet', depth=18, init_cfg=dict(type='Pretrained', checkpoint=file))
    MODELS.build(cfg).init_weights()


def by_reader(file):
    CheckpointLoader.load_checkpoint(file, map_location='cpu')


@pytest.mark.parametrize('load', [by_function, by_init_cfg, by_reader])
def test_mmengines_own_loading_runs_no_program(tmp_path, load):
    torch.save(dict(state_dict=dict(weight=Program(tmp_path / 'ran'))), tmp_path / 'bad.pth')
    with pytest.raises(UnsafePickleError, match=r'the pickle names builtins\.exec'):
        load(str(tmp_path / 'bad.pth'))
    assert not (tmp_path / 'ran').exists()


def test_an_address_is_read_from_torchs_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    fetched = []

    def download(address, path, **kwargs):
        fetched.append(address)
        torch.save(dict(state_dict=dict(weight=torch.ones(2))), path)

    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        loaded = read_checkpoint('https://example.org/models/net-1234.pth?download=1')
        assert loaded['state_dict']['weight'].tolist() == [1, 1]
    assert fetched == ['https://example.org/models/net-1234.pth?download=1']
