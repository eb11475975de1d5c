"""The table that a training logs at its start; figures worked out by hand."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmdet_efpn.datasets import Boxes, CheckedCocoDataset
from mmdet_efpn.engine.checks import start_table
from mmdet_efpn.engine.hooks import TellTrainingData, tell_training_data
from mmdet_efpn.utils.errors import UserError


def square(side):
    return Boxes(torch.tensor([[0.0, 0.0, side, side]]), 64, 96)


@pytest.fixture
def dataset(tiny_coco):
    return CheckedCocoDataset(
        data_root=str(tiny_coco),
        ann_file='annotations.json',
        data_prefix=dict(img='images/'),
        metainfo=dict(classes=('square', 'bar')),
    )


def test_rows(dataset):
    samples = [square(side) for side in (4, 10, 12, 40)]
    table = start_table(dataset, samples, torch.nn.Identity(), dataset)
    rows = dict(line.strip().split('  ', 1) for line in table.splitlines()[1:])
    assert rows['pictures'].strip() == '6; validation 6'
    assert rows['boxes'].strip() == '12'
    assert rows['left out'].strip() == 'nothing'
    assert rows['by class'].strip() == 'square 6, bar 6'
    assert rows['seen as'].strip().startswith('96 x 64 px')
    assert rows['box sides'].strip().startswith('11 px in the middle')
    assert rows['in px'].strip() == 'under 8: 25%, 8-16: 50%, 16-32: 0%, 32-96: 25%, from 96: 0%'
    assert 'unmatched' not in rows


def test_training_logs_it(uninterrupted_run):
    (log,) = uninterrupted_run.glob('*/*.log')
    text = log.read_text()
    assert text.index('training data\n') < text.index('Iter(train)')
    assert 'by class   square 6, bar 6' in text
    assert 'stride 4:' in text


@pytest.fixture
def run(tiny_config, tiny_coco, tmp_path, monkeypatch):
    """Function that runs the hook on an annotation file and gives what it logged."""
    said = []
    monkeypatch.setattr(tell_training_data, 'print_log', lambda text, **_: said.append(text))

    def tell(content, validation='annotations.json', model=None):
        shutil.copytree(tiny_coco, tmp_path, dirs_exist_ok=True)
        (tmp_path / 'train.json').write_text(json.dumps(content))
        base = Config.fromfile(tiny_config).train_dataloader.dataset.to_dict()
        with DefaultScope.overwrite_default_scope('mmdet'):
            sets = [
                DATASETS.build(dict(base, data_root=str(tmp_path), ann_file=name))
                for name in ('train.json', validation)
            ]
        loaders = [SimpleNamespace(dataset=data) for data in sets]
        TellTrainingData().before_train(
            SimpleNamespace(
                train_dataloader=loaders[0],
                val_dataloader=loaders[1],
                val_loop=object(),
                model=torch.nn.Identity(),
                cfg=dict(model=model or {}),
            )
        )
        return '\n'.join(said)

    return tell


def content(tiny_coco):
    return json.loads((tiny_coco / 'annotations.json').read_text())


def test_shared_pictures_are_named(run, tiny_coco):
    text = content(tiny_coco)
    text['images'] = text['images'][:2]
    said = run(text)
    assert '2 pictures of val_dataloader.dataset' in said
    assert '0.png' in said
    assert '1.png' in said
    assert '2.png' not in said


def test_a_set_without_a_box_stops_the_run(run, tiny_coco):
    text = dict(content(tiny_coco), annotations=[])
    with pytest.raises(UserError, match='no box that counts'):
        run(text)


def test_regions_that_would_train_as_background_are_told(run, tiny_coco, shipped):
    text = content(tiny_coco)
    text['annotations'][0]['iscrowd'] = 1
    said = run(text, model=shipped('retinanet/retinanet_r50_fpn_1x_coco').model)
    assert '1 ignored region ' in said
    assert 'set model.train_cfg.assigner.ignore_iof_thr=0.5' in said
