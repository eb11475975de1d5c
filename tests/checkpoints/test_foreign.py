"""Files of other programs: plain pickles of arrays, old and new, read as data; sources named."""

import io
import pickle
import pickletools

import numpy as np
import pytest
import torch

from mmdet_efpn.checkpoints import DamagedFileError, read_checkpoint
from mmdet_efpn.checkpoints.foreign import read_foreign
from mmdet_efpn.utils.errors import MissingFileError, UserError
from mmdet_efpn.utils.safe_pickle import UnsafePickleError

# {'blobs': {'conv1_w': array([1.5, -2.], float32), 'n': array([3, 4])}, 'cfg': 'a: \xe9'}, written by
# Python 2 with protocol 2, as Detectron wrote its weights: text and numbers are bytes there.
PYTHON_2 = (
    b'\x80\x02}q\x01(U\x05blobsq\x02}q\x03(U\x07conv1_wq\x04cnumpy.core.multiarray\n_reconstruct\n'
    b'q\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87Rq\x07(K\x01K\x02\x85cnumpy\ndtype\nq\x08U\x02f4'
    b'K\x00K\x01\x87Rq\t(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08\x00\x00\xc0?'
    b'\x00\x00\x00\xc0tbU\x01nq\nh\x05h\x06K\x00\x85U\x01b\x87Rq\x0b(K\x01K\x02\x85h\x08U\x02i8K\x00K'
    b'\x01\x87Rq\x0c(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10\x00\x00\x00\x00'
    b'\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x04tbuU\x03cfgq\rU\x04a: \xe9u.'
)


def test_a_file_of_python_2(tmp_path):
    pickletools.dis(PYTHON_2, out=io.StringIO())  # it is a pickle, whole
    (tmp_path / 'old.pkl').write_bytes(PYTHON_2)
    found = read_checkpoint(tmp_path / 'old.pkl')
    assert found['cfg'] == 'a: é'
    assert torch.equal(found['blobs']['conv1_w'], torch.tensor([1.5, -2.0]))
    assert torch.equal(found['blobs']['n'], torch.tensor([3, 4]))  # the other byte order


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('name', ['file.pkl', 'file.pth'])
def test_pickles_of_every_protocol(tmp_path, protocol, name):
    arrays = dict(
        single=np.float32([[1, 2], [3, 4]]).T,
        double=np.array([0.1]),
        half=np.float16([2]),
        whole=np.array([1, -1]),
        truth=np.array([True, False]),
        nothing=np.zeros((0, 4)),
    )
    content = dict(model=arrays, __author__='someone', matching_heuristics=True, words=np.array(['a']))
    (tmp_path / name).write_bytes(pickle.dumps(content, protocol))
    found = read_checkpoint(tmp_path / name)
    assert found['__author__'] == 'someone'
    assert found['words'].tolist() == ['a']
    for key, array in arrays.items():
        assert found['model'][key].numpy().dtype == array.dtype
        np.testing.assert_array_equal(found['model'][key].numpy(), array)


class Program:
    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return exec, (f'open({self.mark!r}, "w").close()',)


@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_a_program_in_a_pickle_does_not_run(tmp_path, protocol):
    content = dict(model=dict(weight=np.zeros(2), hidden=Program(tmp_path / 'ran')))
    (tmp_path / 'bad.pkl').write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(UnsafePickleError, match=r'bad\.pkl .*names .*exec.*nothing of it was run'):
        read_foreign(tmp_path / 'bad.pkl')
    assert not (tmp_path / 'ran').exists()


def test_a_cut_off_pickle_is_damaged(tmp_path):
    (tmp_path / 'cut.pkl').write_bytes(PYTHON_2[:-20])
    with pytest.raises(DamagedFileError, match=r'cut\.pkl is damaged or no file of weights'):
        read_checkpoint(tmp_path / 'cut.pkl')


def some_released_weights():
    return {
        'Conv_Body.conv_body.res1.conv1.weight': np.float32([1]),
        'Conv_Body.topdown_lateral_modules.0.conv_lateral.bias': np.float32([2]),
    }


@pytest.mark.parametrize('nest', ['', 'model', 'blobs', 'state_dict'])
@pytest.mark.parametrize('prefix', ['', 'module.'])
@pytest.mark.parametrize('source', [None, 'released'])
def test_nests_and_prefixes(tmp_path, nest, prefix, source):
    weights = {prefix + name: value for name, value in some_released_weights().items()}
    (tmp_path / 'in.pkl').write_bytes(pickle.dumps({nest: weights} if nest else weights))
    ours, renaming = read_foreign(tmp_path / 'in.pkl', source)
    assert renaming.source == 'released'
    assert {name: value.tolist() for name, value in ours.items()} == {
        'backbone.conv1.weight': [1],
        'neck.lateral_convs.2.conv.bias': [2],
    }


@pytest.mark.parametrize(
    ('source', 'message'),
    [
        ('relesed', r"--source must be one of .*released, cascaded.*, got 'relesed'"),
        ('cascaded', r"in\.pkl does not have the names that source 'cascaded' has"),
        (None, r'in\.pkl does not have the names that any '),
    ],
)
def test_other_names_are_refused(tmp_path, source, message):
    (tmp_path / 'in.pkl').write_bytes(pickle.dumps(dict(a=np.zeros(1), b=np.zeros(1))))
    with pytest.raises(UserError, match=message):
        read_foreign(tmp_path / 'in.pkl', source)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r'nowhere\.pkl'):
        read_foreign(tmp_path / 'nowhere.pkl')


class OldTensor:
    """Is saved as torch 0.3 saved a tensor."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        parts = self.tensor.storage_offset(), tuple(self.tensor.shape), self.tensor.stride()
        return torch._utils._rebuild_tensor, (self.tensor.storage(), *parts)


@pytest.mark.filterwarnings('ignore:TypedStorage is deprecated')
def test_a_file_of_torch_before_0_4(tmp_path):
    """The released files are of torch 0.3.1."""
    weights = {name: OldTensor(torch.from_numpy(w)) for name, w in some_released_weights().items()}
    torch.save(dict(model=weights, step=7), tmp_path / 'old.pth', _use_new_zipfile_serialization=False)
    ours, _ = read_foreign(tmp_path / 'old.pth')
    assert ours['backbone.conv1.weight'].tolist() == [1]
