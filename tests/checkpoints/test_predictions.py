"""Files of predictions are read as data."""

import os
import pickle

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_efpn.checkpoints import read_predictions
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
