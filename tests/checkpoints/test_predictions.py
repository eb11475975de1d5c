"""Files of predictions are read as data."""

import json
import os
import pickle

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_efpn.checkpoints import read_predictions, write_predictions
from mmdet_efpn.utils.errors import MissingFileError, UserError
from mmdet_efpn.utils.safe_pickle import UnsafePickleError


def sample():
    found = InstanceData(
        bboxes=torch.tensor([[1.0, 2, 3, 4]]), scores=torch.tensor([0.5]), labels=torch.tensor([1])
    )
    return DetDataSample(
        metainfo=dict(img_id=7, ori_shape=(4, 5), scale_factor=np.array([0.5, 0.5])),
        pred_instances=found,
    )


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize('as_dict', [True, False])
def test_samples_and_dicts_come_back(tmp_path, protocol, as_dict):
    entry = sample().to_dict() if as_dict else sample()
    if as_dict:
        entry['pred_instances']['masks'] = [dict(size=[4, 5], counts=b'02')]
    if protocol >= 2 or as_dict:  # below, Python names the class's maker, copyreg
        (tmp_path / 'p.pkl').write_bytes(pickle.dumps([entry], protocol=protocol))
        (found,) = read_predictions(tmp_path / 'p.pkl')
        assert found['img_id'] == 7
        assert found['pred_instances']['bboxes'].tolist() == [[1, 2, 3, 4]]
        assert found['scale_factor'].tolist() == [0.5, 0.5]
        if as_dict:
            assert found['pred_instances']['masks'][0]['counts'] == b'02'


class Program:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_program_is_named_and_does_not_run(tmp_path):
    entry = dict(sample().to_dict(), img_path=Program(tmp_path / 'ran'))
    (tmp_path / 'p.pkl').write_bytes(pickle.dumps([entry]))
    with pytest.raises(UnsafePickleError, match=r'p\.pkl .*posix\.mkdir.*nothing of it was run'):
        read_predictions(tmp_path / 'p.pkl')
    assert not (tmp_path / 'ran').exists()


def test_what_is_no_list_of_predictions_is_an_error(tmp_path):
    with pytest.raises(MissingFileError, match=r'p\.pkl'):
        read_predictions(tmp_path / 'p.pkl')
    for content in (
        pickle.dumps(dict(a=1)),
        pickle.dumps([1, 2]),
        b'',
        b'text',
        pickle.dumps([{}])[:-3],
    ):
        (tmp_path / 'p.pkl').write_bytes(content)
        with pytest.raises(UserError, match=r'p\.pkl is (damaged or )?no file of predictions'):
            read_predictions(tmp_path / 'p.pkl')


def entry():
    """One image of a test with masks, as MMDetection's metric leaves it."""
    return dict(
        img_id=7,
        img_path='a b/ü.png',
        ori_shape=(4, 5),
        scale_factor=np.array([0.5, 0.25]),
        pred_instances=dict(
            bboxes=torch.tensor([[0.1, 2, 3, 4], [1e-7, 5, 6, 7]]),
            scores=torch.tensor([0.3, 1 / 3]),
            labels=torch.tensor([1, 0]),
            masks=[dict(size=[4, 5], counts=b'02'), dict(size=[4, 5], counts=b'0`d4')],
        ),
    )


def empty():
    found = dict(bboxes=torch.zeros(0, 4), scores=torch.zeros(0), labels=torch.zeros(0).long())
    return dict(img_id=8, pred_instances=found)


@pytest.mark.parametrize('ending', ['json', 'npz', 'pkl'])
def test_what_was_written_comes_back(tmp_path, ending):
    path = tmp_path / f'p.{ending}'
    write_predictions([entry(), empty()], path)
    found, none = read_predictions(path)
    assert (found['img_id'], found['img_path'], none['img_id']) == (7, 'a b/ü.png', 8)
    for theirs, ours in ((entry(), found), (empty(), none)):
        for name in ('bboxes', 'scores', 'labels'):
            value = ours['pred_instances'][name]
            assert value.dtype == theirs['pred_instances'][name].dtype
            assert torch.equal(value, theirs['pred_instances'][name])
    counts = [mask['counts'] for mask in found['pred_instances']['masks']]
    assert [one if isinstance(one, str) else one.decode() for one in counts] == ['02', '0`d4']
    assert list(map(float, found['scale_factor'])) == [0.5, 0.25]


def test_any_program_reads_the_json(tmp_path):
    write_predictions([entry()], tmp_path / 'p.json')
    (found,) = json.loads((tmp_path / 'p.json').read_text())
    assert found['pred_instances']['labels'] == [1, 0]
    assert found['pred_instances']['bboxes'][1][1:] == [5, 6, 7]


def test_an_npz_with_objects_does_not_run_them(tmp_path):
    arrays = np.array([Program(tmp_path / 'made')], dtype=object)
    np.savez(tmp_path / 'p.npz', predictions=arrays)
    with pytest.raises(UserError, match=r'p\.npz is damaged or no file of predictions'):
        read_predictions(tmp_path / 'p.npz')
    assert not (tmp_path / 'made').exists()


@pytest.mark.parametrize(
    ('name', 'content', 'said'),
    [
        ('p.json', '[{"pred_instances": {"labels": ["a"]}}]', 'labels of an image is no table'),
        ('p.json', '{', 'is damaged or no JSON'),
        ('p.json', '[' * 100_000, 'is damaged or no JSON'),
        ('p.json', '{"a": 1}', 'a dict for each image'),
        ('p.npz', 'PK', 'is damaged or no file of predictions'),
    ],
)
def test_other_json_and_npz_is_an_error(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=said):
        read_predictions(tmp_path / name)


@pytest.mark.parametrize('ending', ['json', 'npz'])
def test_what_has_no_word_is_named(tmp_path, ending):
    with pytest.raises(UserError, match=r'image 0\.gt: a complex fits only a \.pkl file'):
        write_predictions([dict(img_id=1, gt=1j)], tmp_path / f'p.{ending}')
