"""torchvision's files in MMDetection's detectors: the same detections, by configs/plain_starts."""

import copy
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import mmcv.ops  # noqa: F401
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

from mmdet_efpn.checkpoints import extend_weights
from mmdet_efpn.utils.read_config import read_config

sys.path.insert(0, str(Path(__file__).parent))
from torchvision_models import DETECTIONS, PROPOSALS, as_input, image, random_detector

PLAIN_STARTS = Path(__file__).resolve().parents[2] / 'configs' / 'plain_starts'
UNUSED_IDS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
IDS = torch.tensor([i for i in range(1, 91) if i not in UNUSED_IDS])


def twin(kind: str):
    """The config, for the small picture."""
    cfg = read_config(PLAIN_STARTS / f'{kind}_r50_fpn_torchvision_coco.py')
    (resize,) = (step for step in cfg.test_pipeline if step.type == 'TorchvisionResize')
    resize.scale = (240, 160)
    if kind != 'retinanet':
        cfg.model.test_cfg.rpn.max_per_img, cfg.model.test_cfg.rcnn.max_per_img = PROPOSALS, DETECTIONS
    return cfg


def plain_nms(boxes, scores, iou_threshold, offset):
    """Greedy NMS in float64; mmcv's takes float32 alone on a CPU."""
    order, kept = scores.argsort(descending=True).tolist(), []
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    alive = torch.ones(len(boxes), dtype=torch.bool)
    for index in order:
        if not alive[index]:
            continue
        kept.append(index)
        corners = (
            torch.maximum(boxes[:, :2], boxes[index, :2]),
            torch.minimum(boxes[:, 2:], boxes[index, 2:]),
        )
        shared = (corners[1] - corners[0]).clamp(min=0).prod(1)
        alive &= shared <= iou_threshold * (areas + areas[index] - shared)
    return torch.tensor(kept)


@pytest.fixture
def nms_of_doubles(monkeypatch):
    monkeypatch.setattr(sys.modules['mmcv.ops.nms'], 'ext_module', SimpleNamespace(nms=plain_nms))


def started(kind: str, model, cfg, tmp_path):
    """MMDetection's detector with torchvision's weights, by the command's function, and the report."""
    torch.save(model.state_dict(), tmp_path / 'theirs.pth')
    cfg.dump(tmp_path / 'twin.py')
    transfer = extend_weights(tmp_path / 'theirs.pth', tmp_path / 'twin.py', tmp_path / 'ours.pth')
    detector = MODELS.build(dict(copy.deepcopy(cfg.model), train_cfg=None)).eval()
    detector.load_state_dict(torch.load(tmp_path / 'ours.pth', weights_only=True)['state_dict'])
    return detector, transfer


def preprocessed(cfg, detector, tmp_path):
    """The picture, from the file to the network's input, as MMDetection's pipeline gives it."""
    cv2.imwrite(str(tmp_path / 'picture.png'), image())
    pipeline = Compose([step for step in cfg.test_pipeline if step.type != 'LoadAnnotations'])
    data = pseudo_collate([pipeline(dict(img_path=str(tmp_path / 'picture.png'), img_id=0))])
    return detector.data_preprocessor(data)


def differences(ours, theirs):
    """Largest differences of scores and of boxes, in pixels."""
    return (
        (ours.scores - theirs['scores']).abs().max().item(),
        (ours.bboxes - theirs['boxes']).abs().max().item(),
    )


@pytest.mark.usefixtures('nms_of_doubles')
@pytest.mark.parametrize('kind', ['faster-rcnn', 'mask-rcnn', 'retinanet'])
def test_the_plain_twin_gives_torchvisions_own_detections(kind, tmp_path):
    model, cfg = random_detector(kind), twin(kind)
    detector, _ = started(kind, model, cfg, tmp_path)
    data = preprocessed(cfg, detector, tmp_path)
    inputs = model.transform([as_input(image())])[0].tensors
    assert data['inputs'].shape == inputs.shape == (1, 3, 160, 256)
    assert (data['inputs'] - inputs).abs().max() < 1e-5

    # Both in float64, in which no rounding decides which of two boxes is kept.
    model, detector, picture = model.double(), detector.double(), as_input(image()).double()
    inputs = model.transform([picture])[0].tensors
    masks = small_masks(model, detector) if kind == 'mask-rcnn' else {}
    with torch.no_grad():
        theirs = model([picture])[0]
        ours = detector.predict(inputs, data['data_samples'])[0].pred_instances
    assert len(ours) == len(theirs['scores']) > 20
    assert torch.equal(IDS[ours.labels], theirs['labels'])
    assert max(differences(ours, theirs)) < 1e-5
    assert kind != 'mask-rcnn' or masks['ours'].std() > 0.2
    assert not masks or (masks['ours'] - masks['theirs']).abs().max() < 1e-5


def small_masks(model, detector) -> dict:
    """Takes the masks of 28x28 cells, of each detection's class, before they are pasted; none are."""
    masks = {}

    def theirs(module, inputs, output):
        masks['theirs'] = output[0][0].pop('masks')[:, 0]

    def ours(mask_preds, results_list, **kwargs):
        places = torch.arange(len(mask_preds[0])), results_list[0].labels
        masks['ours'] = mask_preds[0][places].sigmoid()
        scale = results_list[0].bboxes.new_tensor(kwargs['batch_img_metas'][0]['scale_factor']).repeat(2)
        results_list[0].bboxes /= scale
        return results_list

    model.roi_heads.register_forward_hook(theirs)
    detector.roi_head.mask_head.predict_by_feat = ours
    return masks


UNDONE = {
    'epsilon': ('faster-rcnn', 'backbone.norm_cfg.eps', 1e-5),
    'anchors': ('faster-rcnn', 'rpn_head.anchor_generator.type', 'AnchorGenerator'),
    'alignment': ('faster-rcnn', 'roi_head.bbox_roi_extractor.roi_layer.aligned', True),
    'samples': ('faster-rcnn', 'roi_head.bbox_roi_extractor.roi_layer.sampling_ratio', 0),
    'a ReLU before P7': ('retinanet', 'neck.relu_before_extra_convs', False),
    'sizes of anchors': ('retinanet', 'bbox_head.anchor_generator.type', 'AnchorGenerator'),
    'number of detections': ('retinanet', 'test_cfg.max_per_img', 100),
}


@pytest.fixture(scope='module')
def torchvisions(tmp_path_factory):
    """By kind: torchvision's detections, and MMDetection's with changed settings, in float32."""
    init_default_scope('mmdet')
    made = {}

    def detections(kind: str):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            model, cfg = random_detector(kind), twin(kind)
            detector, _ = started(kind, model, cfg, folder)
            data = preprocessed(cfg, detector, folder)
            with torch.no_grad():
                theirs = model([as_input(image())])[0]
            made[kind] = theirs, detector.state_dict(), data
        return made[kind]

    return detections


@pytest.mark.parametrize('setting', [None, *UNDONE])
def test_each_setting_of_the_twins_matters(setting, torchvisions):
    kind, key, value = UNDONE.get(setting, ('retinanet', 'test_cfg.max_per_img', 300))
    theirs, weights, data = torchvisions(kind)
    cfg = twin(kind)
    cfg.merge_from_dict({f'model.{key}': value})
    detector = MODELS.build(dict(cfg.model, train_cfg=None)).eval()
    detector.load_state_dict(weights)
    with torch.no_grad():
        ours = detector.predict(data['inputs'], data['data_samples'])[0].pred_instances
    mine = torch.column_stack((ours.bboxes, 100 * ours.scores))
    other = torch.column_stack((theirs['boxes'], 100 * theirs['scores']))
    nearest = torch.cdist(other, mine, p=torch.inf).min(1).values
    found = (nearest < 0.02).float().mean()  # in float32 rounding may decide on one of 300
    assert (found > 0.995) == (setting is None), found
