"""The released models: every weight arrives, and the boxes are the released program's."""

import sys
from functools import cache

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import ConfigDict
from PIL import Image
from released_files import (
    PUBLISHED,
    SIDES,
    SMALL,
    Shapes,
    fill,
    random_file,
    released_config,
    small_config,
)
from released_plain import ReleasedProgram

from mmdet_efpn.checkpoints.foreign import read_foreign
from mmdet_efpn.checkpoints.key_maps import apply_key_map
from mmdet_efpn.checkpoints.key_maps.released import RELEASED

TOLERANCE = 1e-6
MOST = 100000  # detections of a picture: all of them


@pytest.fixture(autouse=True)
def nms_of_doubles(monkeypatch):
    """MMCV's NMS takes float32 on CPUs: it chooses among rounded boxes; whole ones are handed on."""
    module = sys.modules['mmcv.ops.nms']
    chosen = module.nms

    def nms(boxes, scores, *args, **kwargs):
        _, kept = chosen(boxes.float(), scores.float(), *args, **kwargs)
        return torch.cat((boxes[kept], scores[kept, None]), dim=1), kept

    monkeypatch.setattr(module, 'nms', nms)


def released_file(folder, kind):
    path = folder / 'released.pth'
    weights = {name: torch.from_numpy(value) for name, value in random_file(kind).items()}
    torch.save(dict(model=weights, step=7), path)
    return path


@cache
def _converted(kind):
    theirs = {name: torch.from_numpy(value) for name, value in random_file(kind).items()}
    return apply_key_map(theirs, RELEASED)[0]


def converted(kind):
    """The file's weights under our names, without the file."""
    return dict(_converted(kind))


def detector(cfg, weights):
    model = MODELS.build(cfg.model).double().eval()  # before the weights come, which are float64
    unfilled = model.load_state_dict(weights, strict=False).missing_keys
    assert {name.rpartition('.')[2] for name in unfilled} <= {'num_batches_tracked'}
    return model


def detections(model, cfg, picture):
    """Boxes, scores and labels of a picture, by the config's own test pipeline."""
    steps = [step for step in cfg.test_dataloader.dataset.pipeline if step.type != 'LoadAnnotations']
    steps[-1]['meta_keys'] = ('ori_shape', 'img_shape', 'scale_factor')
    packed = Compose(steps)(dict(img_path=str(picture)))
    data = dict(inputs=[packed['inputs']], data_samples=[packed['data_samples']])
    with torch.no_grad():
        (result,) = model(**model.data_preprocessor(data), mode='predict')
    found = result.pred_instances
    return found.bboxes.numpy(), found.scores.numpy(), found.labels.numpy()


def by_the_plain_program(kind, picture, most=100):
    program = ReleasedProgram(
        random_file(kind),
        SMALL[kind].groups,
        sorted(SIDES[kind]),
        smallest_anchor=dict(coco=32, tt100k=16)[kind],
        second_head=kind == 'tt100k',
        most=most,
    )
    return program(np.asarray(Image.open(picture))[..., ::-1])


@pytest.mark.parametrize('kind', ['coco', 'tt100k'])
def test_every_weight_of_the_published_size_has_its_place(kind, repository):
    theirs = fill(Shapes(), PUBLISHED[kind])
    weights, renaming = apply_key_map(theirs, RELEASED)
    assert renaming.unknown == []
    assert set(renaming.moved) == set(theirs)
    cfg = released_config(kind, repository)
    with torch.device('meta'):
        target = MODELS.build(dict(cfg.model, backbone=dict(cfg.model.backbone, init_cfg=None)))
    target = {
        name: value.shape
        for name, value in target.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }
    ours = {name: value.shape for name, value in weights.items()}
    if kind == 'coco':  # its second head is not used
        ours = {name: shape for name, shape in ours.items() if 'extended_bbox_head' not in name}
    assert ours == target


def test_test_settings_are_the_published_ones(repository):
    for kind, sides, smallest, two_heads, classes in (
        ('coco', (800, 1333), 32, False, 80),
        ('tt100k', (1400, 4000), 16, True, 175),
    ):
        cfg = released_config(kind, repository)
        pipeline = cfg.test_dataloader.dataset.pipeline
        assert tuple(sorted(pipeline[1].scale)) == sides
        assert cfg.val_dataloader.dataset.pipeline == pipeline
        anchors = TASK_UTILS.build(cfg.model.rpn_head.anchor_generator).base_anchors
        assert [(level[1][2] - level[1][0] + 1).item() for level in anchors] == [
            smallest * 2**i for i in range(5)
        ]
        head = cfg.model.roi_head
        assert head.get('extended_bbox_head', True) is two_heads
        assert head.bbox_head.num_classes == classes
        assert (cfg.model.test_cfg.rcnn.score_thr, cfg.model.test_cfg.rcnn.max_per_img) == (0.05, 100)


def test_the_extension_may_lie_beside_the_body(tmp_path):
    """As in the published code, whose detector holds it."""
    weights = random_file('coco')
    torch.save(
        {
            'module.' + name.replace('Conv_Body.Extension.', 'Extension.'): torch.from_numpy(value)
            for name, value in weights.items()
        },
        tmp_path / 'beside.pth',
    )
    beside, _ = read_foreign(tmp_path / 'beside.pth')
    within, _ = read_foreign(released_file(tmp_path, 'coco'))
    assert all(torch.equal(beside[name], within[name]) for name in within)
    assert beside.keys() == within.keys()


def test_the_report_says_what_was_changed(tmp_path):
    _, renaming = read_foreign(released_file(tmp_path, 'coco'))
    counts = {said.partition(':')[0]: len(names) for said, names in renaming.changed.items()}
    norms = sum(name.endswith('_mean') for names in renaming.moved.values() for name in names)
    assert counts == {
        'A frozen scale becomes a batch norm': norms,
        "The background's class output moves from the first place to the last.": 4,
        "The background's four box outputs are dropped.": 4,
        "The FTT's texture conv reads (P2, content) here": 1,
    }
    assert norms == 1 + 3 * sum(SMALL['coco'].blocks) + 4
    assert 'BGR' in renaming.pixels


def assert_same(found, expected):
    (boxes, scores, labels), (expected_boxes, expected_scores, expected_labels) = found, expected
    np.testing.assert_allclose(scores, expected_scores, atol=TOLERANCE, rtol=0)
    np.testing.assert_array_equal(labels, expected_labels)
    np.testing.assert_allclose(boxes, expected_boxes, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize('kind', ['coco', 'tt100k'])
def test_boxes_scores_and_order_are_the_released_programs(kind, pictures, repository, tmp_path):
    cfg = small_config(kind, repository)
    weights, renaming = read_foreign(released_file(tmp_path, kind))
    assert renaming.source == 'released'
    assert renaming.unknown == []
    model = detector(cfg, weights)
    for picture in pictures:
        found = detections(model, cfg, picture)
        assert len(found[1]) == 100
        assert_same(found, by_the_plain_program(kind, picture))


def test_detections_beyond_the_best_hundred_are_the_same_too(pictures, repository, tmp_path):
    """Those of every level: large RoIs are few, and not among the best."""
    cfg = small_config('coco', repository)
    cfg.model.test_cfg.rcnn.max_per_img = MOST
    model = detector(cfg, read_foreign(released_file(tmp_path, 'coco'))[0])
    found = detections(model, cfg, pictures[0])
    assert_same(found, by_the_plain_program('coco', pictures[0], most=MOST))
    sides = np.sqrt((found[0][:, 2:] - found[0][:, :2] + 1).prod(axis=1)) * 224 / 150
    for low, high in ((0, 56), (56, 112), (112, 224), (224, 448)):
        assert ((low <= sides) & (sides < high)).any()


# Each point of what the released program does, and the setting that undoes it alone.
UNDONE = {
    'coco: one box head': ('coco', {'model.roi_head.extended_bbox_head': True}),
    'tt100k: a second box head': ('tt100k', {'model.roi_head.extended_bbox_head': False}),
    'small RoIs twice': ('coco', {'model.roi_head.pool_small_rois_from': 'p2_prime'}),
    'small RoIs twice, two heads': ('tt100k', {'model.roi_head.pool_small_rois_from': 'p2_prime'}),
    'whole centred anchors': ('coco', {'model.rpn_head.anchor_generator.type': 'AnchorGenerator'}),
    'anchors rounded before scaling': (
        'coco',
        {
            'model.rpn_head.anchor_generator.type': 'LegacyAnchorGenerator',
            'model.rpn_head.anchor_generator.center_offset': 0.5,
        },
    ),
    'coco: anchors from 32': ('coco', {'model.rpn_head.anchor_generator.scales': [4]}),
    'tt100k: anchors from 16': ('tt100k', {'model.rpn_head.anchor_generator.scales': [8]}),
    'proposals of pixel boxes': ('coco', {'model.rpn_head.bbox_coder.type': 'DeltaXYWHBBoxCoder'}),
    'proposals half a pixel in': (
        'coco',
        {'model.rpn_head.bbox_coder.type': 'LegacyDeltaXYWHBBoxCoder'},
    ),
    'detections of pixel boxes': (
        'coco',
        {'model.roi_head.bbox_head.bbox_coder.type': 'DeltaXYWHBBoxCoder'},
    ),
    'detections half a pixel in': (
        'coco',
        {'model.roi_head.bbox_head.bbox_coder.type': 'LegacyDeltaXYWHBBoxCoder'},
    ),
    'decoded in the picture': ('coco', {'model.roi_head.bbox_head.type': 'Shared2FCBBoxHead'}),
    'levels of pixel boxes': ('coco', {'model.roi_head.bbox_roi_extractor.type': 'SingleRoIExtractor'}),
    'RPN: NMS of pixel boxes': ('coco', {'model.test_cfg.rpn.nms.offset': 0}),
    'NMS of pixel boxes': ('coco', {'model.test_cfg.rcnn.nms.offset': 0}),
    'RPN: NMS at 0.7': ('coco', {'model.test_cfg.rpn.nms.iou_threshold': 0.6}),
    'NMS at 0.5': ('coco', {'model.test_cfg.rcnn.nms.iou_threshold': 0.6}),
    '1000 proposals a level': ('coco', {'model.test_cfg.rpn.nms_pre': 900}),
    '1000 proposals': ('coco', {'model.test_cfg.rpn.max_per_img': 300}),
    'unaligned RoIAlign': ('coco', {'model.roi_head.bbox_roi_extractor.roi_layer.aligned': True}),
    '2 samples': ('coco', {'model.roi_head.bbox_roi_extractor.roi_layer.sampling_ratio': 0}),
    'BGR': ('coco', {'model.data_preprocessor.bgr_to_rgb': True}),
    'mean': ('coco', {'model.data_preprocessor.mean': [103.53, 116.28, 123.675]}),
    'std 1': ('coco', {'model.data_preprocessor.std': [1.01, 1.0, 1.0]}),
    'padded to 64': (
        'coco',
        {
            'model.data_preprocessor.pad_size_divisor': 32,
            'test_dataloader.dataset.pipeline.2.size_divisor': 32,
        },
    ),
    'padded with the mean': (
        'coco',
        {'test_dataloader.dataset.pipeline.2.pad_val': dict(img=(0, 0, 0))},
    ),
    'proposals reach into the padding': (
        'coco',
        {'test_dataloader.dataset.pipeline.2.size_divisor': 1},
    ),
    'one factor for both sides': (
        'coco',
        {
            'test_dataloader.dataset.pipeline.1': dict(
                type='Resize', scale=SIDES['coco'], keep_ratio=True
            )
        },
    ),
    'length of the sides': ('coco', {'test_dataloader.dataset.pipeline.1.scale': (320, 225)}),
    'resized values are not rounded': (
        'coco',
        {'test_dataloader.dataset.pipeline.0.to_float32': False},
    ),
}


def differ(found, expected):
    return len(found[1]) != len(expected[1]) or any(
        np.abs(mine - theirs).max() > 10 * TOLERANCE
        for mine, theirs in zip(found, expected, strict=True)
    )


@pytest.fixture(scope='session')
def expected(pictures):
    """What the program gives for the odd-sized picture, beyond the best hundred too."""
    return {kind: by_the_plain_program(kind, pictures[1], MOST) for kind in ('coco', 'tt100k')}


@pytest.mark.parametrize('point', UNDONE)
def test_each_point_counts(point, expected, pictures, repository):
    kind, changes = UNDONE[point]
    cfg = small_config(kind, repository)
    cfg.model.test_cfg.rcnn.max_per_img = MOST
    weights = converted(kind)
    for key, value in changes.items():
        *path, last = key.split('.')
        part = cfg
        for name in path:
            part = part[int(name) if name.isdigit() else name]
        part[int(last) if last.isdigit() else last] = ConfigDict(v=value).v
    assert differ(detections(detector(cfg, weights), cfg, pictures[1]), expected[kind])


def swapped(weights, one, other):
    """Exchanges two modules' weights."""
    names = [name for name in weights if name.startswith(f'{one}.')]
    assert names
    for name in names:
        twin = other + name[len(one) :]
        weights[name], weights[twin] = weights[twin], weights[name]


def texture_unswapped(weights, key='neck.extension.ftt.texture.0.0.weight'):
    weight = weights[key]
    width = weight.shape[1] - len(weight)
    weights[key] = torch.cat((weight[:, width:], weight[:, :width]), dim=1)


def background_first(weights):
    for part in ('weight', 'bias'):
        name = f'roi_head.bbox_head.fc_cls.{part}'
        weights[name] = weights[name].roll(1, dims=0)


def last_box_dropped(weights):
    """As if the background were the last class: boxes of class i are those of class i - 1."""
    for part in ('weight', 'bias'):
        name = f'roi_head.bbox_head.fc_reg.{part}'
        weights[name] = weights[name].roll(4, dims=0)


def cells_first(weights):
    name = 'roi_head.bbox_head.shared_fcs.0.weight'
    weight = weights[name]
    weights[name] = weight.view(len(weight), -1, 49).transpose(1, 2).reshape(weight.shape)


def variance_one(weights):
    for name in weights:
        if name.endswith('running_var'):
            weights[name] = torch.ones_like(weights[name])


@pytest.mark.parametrize(
    ('kind', 'undo'),
    [
        ('coco', texture_unswapped),
        ('coco', background_first),
        ('coco', last_box_dropped),
        ('coco', cells_first),
        ('coco', variance_one),
        ('coco', lambda weights: swapped(weights, 'neck.fpn_convs.0', 'neck.fpn_convs.3')),
        (
            'tt100k',
            lambda weights: swapped(weights, 'roi_head.bbox_head', 'roi_head.extended_bbox_head'),
        ),
    ],
    ids=[
        'texture conv reads P2 first',
        'background last',
        'box of the background dropped',
        'order of the cells',
        'variance is 1 - epsilon',
        'levels fine to coarse',
        'first and second head',
    ],
)
def test_each_change_of_weights_counts(kind, undo, expected, pictures, repository):
    cfg = small_config(kind, repository)
    cfg.model.test_cfg.rcnn.max_per_img = MOST
    weights = converted(kind)
    undo(weights)
    assert differ(detections(detector(cfg, weights), cfg, pictures[1]), expected[kind])


def test_nothing_undone_is_the_reference(expected, pictures, repository):
    """The two tests above would pass with any reference that is wrong."""
    for kind in ('coco', 'tt100k'):
        cfg = small_config(kind, repository)
        cfg.model.test_cfg.rcnn.max_per_img = MOST
        model = detector(cfg, converted(kind))
        assert not differ(detections(model, cfg, pictures[1]), expected[kind])
