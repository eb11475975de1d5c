"""Files of other programs: told by their names, unwrapped, and refused where nothing fits."""

import re

import numpy as np
import pytest
import torch
import torchvision
from mmdet.registry import MODELS

from mmdet_efpn.checkpoints import SOURCES, choose_weights, extend_weights, state_dict_of
from mmdet_efpn.checkpoints.foreign import foreign_weights
from mmdet_efpn.checkpoints.key_maps import KEY_MAPS, apply_key_map, changes, pixels_report, recognise
from mmdet_efpn.checkpoints.transfer import nearest_names
from mmdet_efpn.cli import extend_weights as extend_weights_command
from mmdet_efpn.cli.main import main
from mmdet_efpn.utils.errors import UserError
from mmdet_efpn.utils.pretrained import without_weights
from mmdet_efpn.utils.read_config import read_config

NAMES = ('backbone.body.layer1.0.conv1.weight', 'backbone.fpn.inner_blocks.0.0.weight')
BARE = {name: torch.full((1,), float(i)) for i, name in enumerate(NAMES)}
OURS = {'backbone.layer1.0.conv1.weight': 0.0, 'neck.lateral_convs.0.conv.weight': 1.0}
KINDS = {
    'fasterrcnn_resnet50_fpn': 'faster-rcnn',
    'maskrcnn_resnet50_fpn': 'mask-rcnn',
    'retinanet_resnet50_fpn': 'retinanet',
}


def prefixed(prefix: str) -> dict:
    return {prefix + name: weight for name, weight in BARE.items()}


@pytest.mark.parametrize(
    ('saved', 'used', 'unwrapped'),
    [
        (BARE, 'the only ones in the file', {}),
        (dict(state_dict=prefixed('model.')), 'the only ones in the file', {'model.': 2}),
        (dict(model=prefixed('module.')), "the only ones in the file, below 'model'", {'module.': 2}),
        (
            dict(ema=dict(module=prefixed('model.module.'))),
            "the only ones in the file, below 'ema' > 'module'",
            {'module.': 2, 'model.': 2},
        ),
        (
            dict(model={name: w + 5 for name, w in BARE.items()}, model_ema=prefixed('module.')),
            "ema: the averaged ones, which lie below 'model_ema'; --use last takes the other ones",
            {},
        ),
        (dict(model={name: w.numpy() for name, w in BARE.items()}), "file, below 'model'", {}),
    ],
)
def test_wrappers_are_unwrapped_and_named(saved, used, unwrapped):
    foreign = foreign_weights(saved, 'file.pth')
    assert {name: weight.item() for name, weight in foreign.weights.items()} == OURS
    assert foreign.used.endswith(used)
    assert foreign.unwrapped == unwrapped
    assert foreign.renaming.source == 'torchvision'


def test_both_sets_of_another_trainer_can_be_chosen():
    saved = dict(model=BARE, ema={name: w + 5 for name, w in BARE.items()}, epoch=3)
    assert foreign_weights(saved, 'file.pth').weights['neck.lateral_convs.0.conv.weight'] == 6
    assert (
        foreign_weights(saved, 'file.pth', use='last').weights['neck.lateral_convs.0.conv.weight'] == 1
    )
    assert choose_weights(saved, 'last')[1].startswith("last: not averaged, which lie below 'model'")


def test_arrays_are_weights_and_words_are_not():
    saved = dict(model=dict(a=np.ones((2, 3), np.float32), b='words', c=np.array(['x'])), __author__='x')
    assert {name: weight.shape for name, weight in state_dict_of(saved).items()} == {'a': (2, 3)}


def old_names(names) -> dict[str, str]:
    """What torchvision called the same weights before 0.13."""
    changed = {}
    for name in names:
        old = re.sub(r'((?:inner|layer)_blocks\.\d)\.0\.', r'\1.', name)
        old = re.sub(r'^rpn\.head\.conv\.0\.0\.', 'rpn.head.conv.', old)
        old = re.sub(r'mask_head\.(\d)\.0\.', lambda m: f'mask_head.mask_fcn{int(m[1]) + 1}.', old)
        old = re.sub(r'^(head\.\w+_head\.conv)\.(\d)\.0\.', lambda m: f'{m[1]}.{2 * int(m[2])}.', old)
        changed[name] = old
    return changed


@pytest.mark.parametrize('generation', ['new', 'old'])
@pytest.mark.parametrize('kind', KINDS)
def test_every_weight_of_torchvisions_models_has_its_place(kind, generation, plain_twin):
    with torch.device('meta'):
        model = getattr(torchvision.models.detection, kind)(weights=None, weights_backbone=None)
        twin = MODELS.build(without_weights(plain_twin(KINDS[kind]).model))
    theirs = model.state_dict()
    if generation == 'old':
        olds = old_names(theirs)
        assert sum(new != old for new, old in olds.items()) > 10
        theirs = {olds[name]: weight for name, weight in theirs.items()}
    ours, renaming = apply_key_map(theirs, recognise(theirs, KEY_MAPS))
    assert renaming.unknown == []
    shapes = {name: weight.shape for name, weight in twin.state_dict().items()}
    assert {name: weight.shape for name, weight in ours.items()} == shapes


@pytest.fixture(scope='module')
def plain_twin():
    return lambda kind: read_config(f'mmdet_efpn::plain_starts/{kind}_r50_fpn_torchvision_coco.py')


def test_class_outputs_by_hand():
    """Of 91 ids: person is 1, street sign (12) is no class, hair drier is 89, toothbrush 90."""
    ids = torch.arange(91)
    moved = changes.classes_of_torchvision(ids)
    assert len(moved) == 81
    assert moved[[0, 10, 11, 78, 79, 80]].tolist() == [1, 11, 13, 89, 90, 0]
    assert changes.masks_of_torchvision(ids).tolist() == moved[:-1].tolist()
    boxes = changes.boxes_of_torchvision(ids.repeat_interleave(4) * 10 + torch.arange(4).repeat(91))
    assert len(boxes) == 320
    assert boxes[40:48].tolist() == [110, 111, 112, 113, 130, 131, 132, 133]
    assert changes.classes_of_torchvision(torch.arange(4)).tolist() == [1, 2, 3, 0]
    assert changes.boxes_of_torchvision(torch.arange(8)).tolist() == [4, 5, 6, 7]
    dense = changes.dense_classes_of_torchvision(torch.arange(27))  # nine anchors, three outputs
    assert dense.tolist() == [i for i in range(27) if i % 3]


EXPECTED = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


@pytest.mark.parametrize(
    ('changed', 'agrees'),
    [
        ({}, True),
        (dict(mean=[123.68, 116.28, 103.53]), True),
        (dict(bgr_to_rgb=False), False),
        (dict(bgr_to_rgb=False, rgb_to_bgr=True), True),
        (dict(std=[1.0, 1.0, 1.0]), False),
        (dict(mean=[103.53, 116.28, 123.675]), False),
        (dict(mean=None, std=None), False),
    ],
)
def test_pixels_that_differ_are_a_warning_with_what_to_set(changed, agrees):
    line = pixels_report(EXPECTED, dict(data_preprocessor=dict(EXPECTED, **changed)))
    assert line.startswith('pixels: RGB' if agrees else 'WARNING: pixels: the weights expect RGB')
    setting = 'set model.data_preprocessor=dict(mean=[123.675, 116.28, 103.53], std='
    assert (setting in line) != agrees


def test_a_files_own_pixels_count_more_than_the_table():
    weights = {
        'backbone.bottom_up.stem.conv1.weight': torch.ones(1),
        'backbone.fpn_lateral5.weight': torch.ones(1),
        'proposal_generator.rpn_head.conv.weight': torch.ones(1),
        'pixel_std': torch.tensor([57.375, 57.12, 58.395]).view(3, 1, 1),
    }
    foreign = foreign_weights(dict(model=weights), 'x101.pkl')
    assert foreign.preprocessor == dict(
        mean=[103.53, 116.28, 123.675], std=[57.375, 57.12, 58.395], bgr_to_rgb=False
    )


def test_nearest_names():
    theirs = ['a.b.conv1.weight', 'head.cls.weight', 'zzzz', 'stem.weight', 'fpn.p3.bias']
    ours = ['fpn.p4.bias', 'x.y', 'a.b.conv2.weight', 'stem.bias', 'head.reg.weight']
    assert nearest_names(theirs, ours) == (
        'a.b.conv1.weight, fpn.p3.bias, head.cls.weight',
        'a.b.conv2.weight, fpn.p4.bias, head.reg.weight',
    )


def test_a_file_that_fits_nothing_is_refused_before_anything_is_written(tmp_path, capsys):
    config = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'
    weights = {f'backbone.stages.{i}.0.conv.weight': torch.ones(1) for i in range(200)}
    weights |= {name: torch.ones(1) for name in ('neck.lateral_conv.0.conv.weight', 'head.scale')}
    torch.save(weights, tmp_path / 'other.pth')
    with pytest.raises(UserError, match=r'of another network: it fills 0 of the \d+ weights') as raised:
        extend_weights(tmp_path / 'other.pth', config, tmp_path / 'out.pth')
    said = str(raised.value)
    theirs, ours = re.search(
        r'It has, among others, (.*); the nearest that .* needs are (.*)', said
    ).groups()
    assert theirs.split(', ')[0] == 'neck.lateral_conv.0.conv.weight'
    assert ours.split(', ')[0] == 'neck.lateral_convs.0.conv.weight'
    assert 'backbone.stages.0.0.conv.weight' in theirs
    argv = ['extend-weights', str(tmp_path / 'other.pth'), config, str(tmp_path / 'out.pth')]
    assert main([*argv, '--source', 'detectron2']) == 2
    said = capsys.readouterr().err
    assert "does not have the names that source 'detectron2' has. It has, among others, " in said
    assert "the nearest of that source's are backbone.bottom_up.stem.conv1.weight" in said
    assert said.count('\n') == 1
    assert not (tmp_path / 'out.pth').exists()


def test_the_command_offers_the_sources_that_there_are():
    assert extend_weights_command.SOURCES == SOURCES


def test_an_unknown_source_is_an_error():
    with pytest.raises(UserError, match=r'--source must be one of mmdetection, released.*got .caffe'):
        foreign_weights(BARE, 'file.pth', 'caffe')
