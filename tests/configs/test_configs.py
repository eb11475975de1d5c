"""Every shipped config: its name, and one loss and one prediction on a tiny image."""

import copy
import re
import shlex
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from mmdet.registry import DATASETS, MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from mmdet_efpn.engine import load_run_config
from mmdet_efpn.evaluation.cost import BackboneNeckSteps, count_macs
from mmdet_efpn.extend import light_extension

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
COMPARED = ROOT / 'benchmarks' / 'configs'
SHIPPED = sorted(
    path
    for folder in (CONFIGS, COMPARED)
    for path in folder.rglob('*.py')
    if not {'_base_', 'designs', 'curves'} & set(path.parts) and 'three-stages' not in path.name
)
ONE_STAGE = [path for path in SHIPPED if path.stem.startswith(('retinanet_', 'fcos_'))]
TWO_STAGE = [path for path in SHIPPED if path not in ONE_STAGE]
init_default_scope('mmdet')


def named(name: str) -> Path:
    """The config of that file name, in either tree."""
    (path,) = [path for path in SHIPPED if path.name == name]
    return path


@cache
def load(path: Path) -> Config:
    return Config.fromfile(path)


def detector_of(model):
    """The detector's config, also where it is trained inside another one."""
    return model.get('detector', model)


def config_id(path: Path) -> str:
    return path.stem


@pytest.fixture(autouse=True)
def mmdet_scope():
    init_default_scope('mmdet')


def batch(size=(64, 96)) -> dict:
    """Two images, one with a small and a large box, one without boxes."""
    torch.manual_seed(0)
    samples = []
    for boxes in ([[4, 6, 14, 18], [10, 2, 80, 60]], []):
        sample = DetDataSample(
            metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size, scale_factor=(1.0, 1.0))
        )
        sample.gt_instances = InstanceData(
            bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            labels=torch.zeros(len(boxes), dtype=torch.long),
            masks=BitmapMasks(np.ones((len(boxes), *size), dtype=np.uint8), *size),
        )
        samples.append(sample)
    return dict(
        inputs=[torch.randint(0, 256, (3, *size), dtype=torch.uint8) for _ in samples],
        data_samples=samples,
    )


def expected_losses(model) -> set:
    """The losses that the config's kind of training has."""
    distilled = {
        f'{level}_prime.loss_{part}' for level in ('p2', 'p3') for part in ('global', 'positive')
    }
    if model.get('trainable') == ['roi_head.extended_bbox_head']:
        return {'loss_cls', 'loss_bbox'}
    if model.type == 'CrossResolutionDistiller' and not model.get('detection_loss'):
        return distilled
    detection = {'loss_cls', 'loss_bbox'}
    if detector_of(model).get('rpn_head'):
        detection |= {'loss_rpn_cls', 'loss_rpn_bbox'}
    return detection | distilled if model.type == 'CrossResolutionDistiller' else detection


@pytest.mark.parametrize('path', SHIPPED, ids=config_id)
def test_builds_and_runs_loss_and_predict(path):
    torch.manual_seed(0)
    cfg = copy.deepcopy(load(path).model)
    if 'point_head' in cfg.get('roi_head', {}):
        cfg.test_cfg.rcnn.max_per_img = 5  # each mask is refined point by point, slow on a CPU
    model = MODELS.build(cfg)
    model.train()
    data = model.data_preprocessor(batch(), training=True)
    losses = model(**data, mode='loss')
    loss, _ = model.parse_losses(losses)
    assert loss.isfinite()
    assert expected_losses(load(path).model) <= set(losses)
    assert path in TWO_STAGE or 'loss_rpn_cls' not in losses
    model.eval()
    with torch.no_grad():
        results = model(**model.data_preprocessor(batch(), training=False), mode='predict')
    assert len(results) == 2
    for result in results:
        boxes = result.pred_instances.bboxes
        assert boxes.isfinite().all()
        assert boxes.shape[1] == 4


@pytest.mark.parametrize('path', TWO_STAGE, ids=config_id)
def test_pyramid_levels_agree_throughout_the_config(path):
    """Strides of anchors and RoIs are the pyramid's, and class counts those of the data set."""
    cfg = load(path)
    model = detector_of(cfg.model)
    neck, roi_head = model.neck, model.roi_head
    finest = 2 if neck.type == 'EFPN' else 4
    strides = [finest * 2**i for i in range(neck.num_outs)]
    assert roi_head.bbox_roi_extractor.featmap_strides == strides[:-1]
    anchor_strides = model.rpn_head.anchor_generator.strides
    on_p2_prime = model.rpn_head.get('on_p2_prime', False)
    assert anchor_strides == (strides[1:] if finest == 2 and not on_p2_prime else strides)
    assert roi_head.bbox_roi_extractor.get('finest_scale', 56) == 14 * finest
    assert roi_head.bbox_head.num_classes == num_classes(cfg)


@pytest.mark.parametrize('path', ONE_STAGE, ids=config_id)
def test_one_stage_levels_agree_throughout_the_config(path):
    """As above; extended or not, the finest level has the smallest anchors or the shortest distances."""
    cfg = load(path)
    neck, head = cfg.model.neck, cfg.model.bbox_head
    finest = dict(EFPN=2, ExtendedNeck=4, FPN=8)[neck.type]
    strides = [finest * 2**i for i in range(neck.get('neck', neck).num_outs)]
    if path.stem.startswith('retinanet_'):
        assert head.anchor_generator.strides == strides
        sides = [head.anchor_generator.octave_base_scale * stride for stride in strides]
        first = 32 if path.parent.name == 'plain_starts' else 16  # other programs' own sizes
        assert sides == [first * 2**i for i in range(5)]
    else:
        assert head.strides == strides
        assert [longest for _, longest in head.regress_ranges] == [32, 64, 128, 256, 1e8]
    assert head.num_classes == num_classes(cfg)


def num_classes(cfg: Config) -> int:
    dataset = cfg.train_dataloader.dataset
    return len(
        dataset.get('metainfo', {}).get('classes') or DATASETS.get(dataset.type).METAINFO['classes']
    )


@pytest.mark.parametrize(
    ('detector', 'extended'), [('retinanet', 'efpn'), ('retinanet', 'efpn-p3-prime'), ('fcos', 'efpn')]
)
def test_one_stage_twins_differ_only_in_their_pyramid(detector, extended):
    plain, extended = (
        load(named(f'{detector}_r18_{neck}_1500-iters_deeppcb-320.py')).to_dict()
        for neck in ('fpn', extended)
    )
    for cfg in (plain, extended):
        for name in [name for name in cfg if name.startswith('efpn_light')]:
            del cfg[name]  # what the extended one's base holds
        cfg['model'] = copy.deepcopy(cfg['model'])
        del cfg['model']['neck'], cfg['model']['backbone']['type']
        cfg['model']['backbone'].pop('c2_prime', None)
        head = cfg['model']['bbox_head']
        head.get('anchor_generator', head).pop('strides')
        head.get('anchor_generator', {}).pop('octave_base_scale', None)
    assert plain == extended


def test_twins_differ_only_where_they_say():
    """The DeepPCB twins share data, schedule and RoI settings, so that their rows compare."""
    for depth in ('r18', 'r50'):
        plain = load(named(f'faster-rcnn_{depth}_fpn_1500-iters_deeppcb-320.py'))
        extended = load(named(f'faster-rcnn_{depth}_efpn_1500-iters_deeppcb-320.py'))
        double = load(named(f'faster-rcnn_{depth}_fpn_1500-iters_deeppcb-640.py'))
        for key in ('optim_wrapper', 'param_scheduler', 'train_cfg', 'randomness'):
            assert plain[key] == extended[key] == double[key], key
        assert plain.train_dataloader == extended.train_dataloader
        for dataloader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
            scales = [
                step.scale for step in double[dataloader].dataset.pipeline if step.type == 'Resize'
            ]
            assert scales == [(640, 640)], dataloader
        assert plain.model.train_cfg == extended.model.train_cfg == double.model.train_cfg
        assert plain.model.test_cfg == extended.model.test_cfg == double.model.test_cfg


def giga_macs(model_cfg, size: tuple[int, int]) -> float:
    with torch.device('meta'):
        model, images = BackboneNeckSteps(model_cfg), torch.empty(1, 3, *size)
    return count_macs(model, images) / 1e9


SMALL_WITH_FTT = [
    path
    for path in SHIPPED
    if detector_of(load(path).model).backbone.get('groups', 1) == 1
    and (detector_of(load(path).model).neck.get('ftt') or {}).get('type') == 'FTT'
    and load(path).model is detector_of(load(path).model)
    and not any(wide in path.stem for wide in ('r18_efpn-h128', 'r18_efpn-two-heads'))
]


LIGHT = [
    path
    for path in SHIPPED
    if '-light' in path.stem
    or path.parent.name == 'demo'
    or path.stem.startswith(('retinanet_r18_efpn_', 'fcos_r18_efpn_'))
]


def test_there_are_light_configs():
    assert len(LIGHT) >= 8


@pytest.mark.parametrize('path', LIGHT, ids=config_id)
def test_light_configs_have_the_light_design(path):
    model = detector_of(load(path).model)
    assert model.neck.ftt == dict(type='LightFTT')
    if path.stem.startswith(('retinanet_r18_efpn_', 'fcos_r18_efpn_')):  # as they were trained
        assert model.neck.extension_cfg == dict(separable=True)
    else:
        light = light_extension(model.neck.out_channels)
        assert model.neck.extension_cfg == dict(light, widen_on_rois=True)
    if model.backbone.type == 'HighResolutionTap':  # Lite0's own feature of stride 2
        assert model.neck.in_channels[0] == MODELS.build(model.backbone).c2_prime_channels == 16
    else:
        assert model.backbone.c2_prime == 'stem'
        assert model.neck.in_channels[0] == model.backbone.get('stem_channels', 64)


@pytest.mark.parametrize('path', SMALL_WITH_FTT, ids=config_id)
def test_default_width_costs_less_than_doubling_the_input(path):
    """ResNet configs, but for one that is named after its width; ResNeXt keeps the released 512."""
    extended = detector_of(load(path).model)
    plain = copy.deepcopy(extended)
    plain.backbone.type = 'ResNet'
    plain.neck = dict(
        type='FPN',
        in_channels=extended.neck.in_channels[1:],
        out_channels=extended.neck.out_channels,
        num_outs=5,
    )
    assert giga_macs(extended, (320, 320)) < giga_macs(plain, (640, 640))


def test_resnext_101_keeps_the_released_width():
    necks = [detector_of(load(path).model).neck for path in SHIPPED if 'x101' in path.stem]
    ftts = [neck.ftt for neck in necks if neck.type == 'EFPN']
    assert {ftt.hidden_channels for ftt in ftts if ftt.type == 'FTT'} == {512}


def test_file_names_are_unique_and_follow_the_scheme():
    every = [p.name for folder in (CONFIGS, COMPARED) for p in folder.rglob('*.py')]
    assert len(set(every)) == len(every)
    for path in SHIPPED:
        assert len(path.stem.split('_')) == 5, f'{path.name}: detector_backbone_neck_schedule_data'


METAFILES = sorted(CONFIGS.glob('*/metafile.yml'))


def test_the_index_imports_every_metafile():
    imported = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert sorted(imported) == [path.relative_to(ROOT).as_posix() for path in METAFILES]
    assert {path.parent for path in METAFILES} == {
        path.parent for path in SHIPPED if CONFIGS in path.parents
    }


@pytest.mark.parametrize('metafile', METAFILES, ids=lambda path: path.parent.name)
def test_metafiles_name_every_config_of_their_folder(metafile):
    content = yaml.safe_load(metafile.read_text())
    collections = {collection['Name'] for collection in content['Collections']}
    for model in content['Models']:
        assert model['In Collection'] in collections
        assert model['Name'] == Path(model['Config']).stem
        assert 'Weights' not in model  # none are published
    configs = {path.relative_to(ROOT).as_posix() for path in SHIPPED if path.parent == metafile.parent}
    assert {model['Config'] for model in content['Models']} == configs


COMMANDS = re.compile(r'^mmdet-efpn (?:train|test) (configs/[^ ]+) --cfg-options (.+)$', re.MULTILINE)


def readme_commands():
    for readme in sorted(CONFIGS.rglob('README.md')):
        for config, options in COMMANDS.findall(readme.read_text().replace('\\\n', ' ')):
            yield pytest.param(config, shlex.split(options), id=f'{readme.parent.name}: {options[:40]}')


@pytest.mark.parametrize(('config', 'options'), readme_commands())
def test_what_the_readmes_change_by_cfg_options_builds(config, options):
    cfg = load_run_config(ROOT / config, options)
    MODELS.build(cfg.model)
