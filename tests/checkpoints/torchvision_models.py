"""torchvision's detectors with random weights whose detections are many and apart."""

import numpy as np
import torch
import torchvision
from torch import nn
from torchvision.ops.misc import FrozenBatchNorm2d

MODELS = {
    'faster-rcnn': 'fasterrcnn_resnet50_fpn',
    'mask-rcnn': 'maskrcnn_resnet50_fpn',
    'retinanet': 'retinanet_resnet50_fpn',
}
SPREADS = {  # standard deviations of the outputs
    'rpn.head.cls_logits': 2.0,
    'rpn.head.bbox_pred': 0.3,
    'roi_heads.box_predictor.cls_score': 2.5,
    'roi_heads.box_predictor.bbox_pred': 0.7,
    'roi_heads.mask_predictor.mask_fcn_logits': 2.0,
    'head.classification_head.cls_logits': 1.2,
    'head.regression_head.bbox_reg': 0.3,
}
PROPOSALS, DETECTIONS = 100, 30
UNUSED_IDS = [12, 26, 29, 30, 45, 66, 68, 69, 71, 83]  # COCO has no boxes of them


def image(height: int = 97, width: int = 141) -> np.ndarray:
    """A picture, (height, width, 3), BGR, with coarse and fine structure."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 256, (5, 7, 3)).repeat(21, 0).repeat(21, 1)[:height, :width]
    return np.uint8(np.clip(coarse + generator.normal(0, 25, coarse.shape), 0, 255))


def as_input(picture: np.ndarray) -> torch.Tensor:
    """RGB between 0 and 1, (3, height, width)."""
    return torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1).float() / 255


def random_detector(kind: str, num_classes: int = 91, seed: int = 0, **options) -> nn.Module:
    """The real model in evaluation mode, with frozen norms of epsilon 0 as in the files for COCO."""
    torch.manual_seed(seed)
    build = getattr(torchvision.models.detection, MODELS[kind])
    options = dict(min_size=160, max_size=240, **options)
    if kind != 'retinanet':  # few, for the test's time
        options.update(rpn_post_nms_top_n_test=PROPOSALS, box_detections_per_img=DETECTIONS)
    model = build(weights=None, weights_backbone=None, num_classes=num_classes, **options)
    with torch.no_grad():
        _random_norms(model)
        model.eval()
        _frozen(model)
        modules = dict(model.named_modules())
        for name, spread in SPREADS.items():
            if name in modules:
                _spread(model, modules[name], spread)
        if num_classes == 91:
            _without_unused_ids(modules)
    return model


def _random_norms(model: nn.Module) -> None:
    """Statistics near those of a picture, random scales, and channels so weak that epsilon matters."""
    weak = model.backbone.body.layer2[0].conv1.weight
    weak[:16] *= 1e-3
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
        norm.weight.uniform_(0.4, 0.9)
        norm.bias.normal_(0, 0.1)
    model.backbone.train()
    mean, std = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    model.backbone((as_input(image()) - mean)[None] / std)
    for norm in norms:
        norm.running_var *= torch.empty_like(norm.running_var).uniform_(0.7, 1.4)


def _frozen(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, eps=0.0)
            frozen.load_state_dict(child.state_dict())
            setattr(module, name, frozen)
        else:
            _frozen(child)


def _spread(model: nn.Module, layer: nn.Module, spread: float) -> None:
    """Centres a layer's outputs for the picture, and gives them that standard deviation."""
    outputs = []

    def collect(module, inputs, output):
        outputs.append(output.movedim(1, -1).flatten(0, -2))  # places, channels

    hook = layer.register_forward_hook(collect)
    model([as_input(image())])
    hook.remove()
    found = torch.cat(outputs) - layer.bias
    scale = spread / found.std(0).mean()
    layer.weight *= scale
    layer.bias.copy_(-scale * found.mean(0)).add_(torch.randn(len(layer.bias)) * 0.3)
    if layer.weight.ndim == 4 and layer.out_channels > 100:  # RetinaNet's classes: most are absent
        layer.bias -= 4.0


def _without_unused_ids(modules: dict) -> None:
    """What a training on COCO does to the ids that have no boxes: they get no score."""
    if 'roi_heads.box_predictor.cls_score' in modules:
        modules['roi_heads.box_predictor.cls_score'].bias[UNUSED_IDS] = -100.0
    else:
        bias = modules['head.classification_head.cls_logits'].bias.view(9, 91)
        bias[:, [0, *UNUSED_IDS]] = -100.0
