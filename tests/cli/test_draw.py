"""The draw command: test set, files and folders; what it refuses and what it keeps."""

import json

import cv2
import pytest
import torch
from mmdet.registry import MODELS

from mmdet_efpn.visualization import detections


@pytest.fixture
def pictures(tiny_coco, tmp_path):
    folder = tmp_path / 'pictures'
    folder.mkdir()
    for number in range(2):
        (folder / f'{number}.png').write_bytes((tiny_coco / 'images' / f'{number}.png').read_bytes())
    (folder / 'notes.txt').write_text('no picture')
    return folder


def test_test_set_with_both_halves(tiny_config, trained, command, tmp_path):
    code, said, _ = command('draw', tiny_config, trained, '--num', '2', '--out', tmp_path / 'out')
    assert code == 0
    assert f'written: 2 pictures in {tmp_path / "out"}' in said
    picture = cv2.imread(str(tmp_path / 'out' / '0.png'))
    assert picture.shape[1] > 2 * 640  # both halves
    assert picture.shape[0] > 640 + 20  # the titles above


def test_a_folder_and_a_file(tiny_config, trained, command, pictures, tiny_coco, tmp_path):
    out = tmp_path / 'out'
    words = [tiny_config, trained, pictures, tiny_coco / 'images' / '5.png', '--out', out]
    assert command('draw', *words)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ['0.png', '1.png', '5.png']
    before = (out / '0.png').read_bytes()
    code, _, error = command('draw', *words)
    assert code == 2
    assert '--overwrite' in error
    assert (out / '0.png').read_bytes() == before
    assert command('draw', *words, '--overwrite')[0] == 0


def test_what_it_refuses(tiny_config, trained, command, tmp_path):
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'bad.png').write_text('no picture')
    torch.save({}, tmp_path / 'empty.pth')
    for words, said in (
        ([trained, tmp_path / 'gone.png'], 'no such image or folder'),
        ([trained, tmp_path / 'empty'], 'has no image'),
        ([trained, tmp_path / 'bad.png'], 'cannot be decoded as an image'),
        (['gone.pth'], 'checkpoint not found: gone.pth'),
        ([tmp_path / 'empty.pth'], 'lacks'),
    ):
        code, _, error = command('draw', tiny_config, *words, '--out', tmp_path / 'out')
        assert code == 2, words
        assert said in error
    assert not list((tmp_path / 'out').glob('*')) if (tmp_path / 'out').exists() else True


def joined(tiny_config, tiny_coco, tmp_path, how):
    """A config whose test set is in two parts, of the first two and the last four images."""
    text = json.loads((tiny_coco / 'annotations.json').read_text())
    parts = []
    for name, ids in (('one', (0, 1)), ('two', (2, 3, 4, 5))):
        part = dict(text, images=[image for image in text['images'] if image['id'] in ids])
        part['annotations'] = [box for box in text['annotations'] if box['image_id'] in ids]
        (tmp_path / f'{name}.json').write_text(json.dumps(part))
        parts.append(str(tmp_path / f'{name}.json'))
    path = tmp_path / 'joined.py'
    path.write_text(
        f"_base_ = '{tiny_config}'\n"
        f'parts = [dict(_base_.test_dataloader.dataset, ann_file=file) for file in {parts}]\n' + how
    )
    return path


@pytest.mark.parametrize(
    'how',
    [
        "test_dataloader = dict(dataset=dict(_delete_=True, type='ConcatDataset', datasets=parts))",
        'test_dataloader = [dict(batch_size=1, num_workers=0, dataset=part,'
        " sampler=dict(type='DefaultSampler')) for part in parts]",
        "test_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=1,"
        " dataset=dict(type='ConcatDataset', datasets=parts)))",
    ],
)
def test_a_test_set_in_parts(tiny_config, tiny_coco, trained, command, tmp_path, how):
    config = joined(tiny_config, tiny_coco, tmp_path, how)
    words = ['draw', config, trained, '--num', '2', '--out', tmp_path / 'out', '--score-thr', '0']
    code, said, error = command(*words)
    assert code == 0, error
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['0.png', '5.png']
    counts = [line for line in said.splitlines() if 'detections drawn' in line]
    assert len(counts) == 2
    # The tiny detector is untrained: it gives as many as it may.
    assert counts[0] == f'{tmp_path / "out" / "0.png"}: 100 of 100 detections drawn'
    assert '2 pictures are full: model.test_cfg.rcnn.max_per_img=100' in said


def test_more_than_100_detections_are_drawn(tiny_config, trained, command, tmp_path):
    (tmp_path / 'more.py').write_text(
        f"_base_ = '{tiny_config}'\n"
        'model = dict(test_cfg=dict(rcnn=dict(max_per_img=150, score_thr=0)))\n'
    )
    words = [tmp_path / 'more.py', trained, '--num', '1', '--out', tmp_path / 'out', '--score-thr', '0']
    code, said, error = command('draw', *words)
    assert code == 0, error
    assert '150 of 150 detections drawn' in said


def test_an_rpns_proposals_have_no_class(tiny_config, command, tmp_path, monkeypatch):
    from mmengine.config import Config

    cfg = Config.fromfile(tiny_config)
    test_cfg = dict(rpn=cfg.model.test_cfg.rpn)
    parts = {key: cfg.model[key] for key in ('data_preprocessor', 'backbone', 'neck')}
    rpn = dict(cfg.model.rpn_head, num_classes=1)
    train_cfg = dict(rpn=cfg.model.train_cfg.rpn)
    cfg.model = dict(type='RPN', rpn_head=rpn, train_cfg=train_cfg, test_cfg=test_cfg, **parts)
    cfg.dump(tmp_path / 'rpn.py')
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), tmp_path / 'rpn.pth')
    written = []
    monkeypatch.setattr(
        detections, 'draw_boxes', lambda *args, **kwargs: written.append(args) or args[0].copy()
    )
    words = [tmp_path / 'rpn.py', tmp_path / 'rpn.pth', '--num', '1', '--score-thr', '0']
    code, _, error = command('draw', *words, '--out', tmp_path / 'out')
    assert code == 0, error
    assert written[0][3] == ('square', 'bar')  # the ground truth
    assert set(written[1][3]) == {'object'}
    assert len(written[1][1]) > 0
