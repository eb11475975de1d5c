import numpy as np
import pytest
from PIL import Image

from mmdet_efpn.datasets.synthetic.dataset import make_synthetic_signs
from mmdet_efpn.visualization.annotations import (
    annotation_grid,
    dataset_from_annotations,
    dataset_from_config,
)

CONFIG = """
signs = dict(
    type='SyntheticSignsDataset', data_root={root!r}, ann_file='annotations/train.json',
    data_prefix=dict(img='images/'), pipeline=[dict(type='LoadImageFromFile')])
train_dataloader = dict(
    dataset=dict(type='RepeatDataset', times=2, dataset=signs))
"""


@pytest.fixture(scope='module')
def signs(tmp_path_factory):
    out = tmp_path_factory.mktemp('grid') / 'signs'
    make_synthetic_signs(out, num_train=3, num_val=1, size=160, seed=0)
    return out


def test_grid_of_an_annotation_file(signs):
    dataset = dataset_from_annotations(signs / 'annotations/train.json', signs / 'images')
    picture = annotation_grid(dataset, num=16, columns=2, panel_width=200)
    # Three panels of 200 px image, 40 px crops, 16 px caption in two rows; gaps of 6.
    assert picture.shape == (2 * (200 + 40 + 16 + 6) + 6, 2 * 206 + 6, 3)
    palette = np.array(dataset.metainfo['palette'])
    used = {entry['bbox_label'] for i in range(3) for entry in dataset.get_data_info(i)['instances']}
    for label in used:
        assert (picture == palette[label]).all(axis=2).any()


def test_config_without_wrappers(signs, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(CONFIG.format(root=str(signs)))
    dataset = dataset_from_config(config)
    assert type(dataset).__name__ == 'SyntheticSignsDataset'
    assert len(dataset) == 3
    with pytest.raises(ValueError, match='no val_dataloader'):
        dataset_from_config(config, 'val')


def test_bad_annotation_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='does not exist'):
        dataset_from_annotations(tmp_path / 'none.json', tmp_path)
    (tmp_path / 'bad.json').write_text('{')
    with pytest.raises(ValueError, match='no valid JSON'):
        dataset_from_annotations(tmp_path / 'bad.json', tmp_path)


def test_command(signs, tmp_path, command):
    source = [signs / 'annotations/train.json', signs / 'images']
    out = tmp_path / 'deep/grid.png'
    code, said, _ = command('browse', *source, '--out', out, '--num', '2')
    assert code == 0
    assert f'written: {out}' in said
    with Image.open(out) as picture:
        assert picture.size == (2 * 486 + 6, 480 + 96 + 16 + 12)
    before = out.read_bytes()
    code, _, error = command('browse', *source, '--out', out)
    assert code == 2
    assert '--overwrite' in error
    assert out.read_bytes() == before
    assert 'image folder' in command('browse', source[0], '--out', tmp_path / 'other.png')[2]
