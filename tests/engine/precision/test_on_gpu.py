"""What only a GPU shows: mmcv's own kernels under bfloat16 and on channels-last maps, its events."""

import copy

import pytest
import torch
from mmcv.ops import RoIAlign
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from mmdet_efpn import extend_config
from mmdet_efpn.engine import readable_inputs
from mmdet_efpn.evaluation.cost import compare, parse_subject, random_samples

pytestmark = pytest.mark.gpu

WRAPPERS = dict(
    float32=dict(type='OptimWrapper'),
    bfloat16=dict(type='BFloat16OptimWrapper'),
    float16=dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic'),
)


def first_loss(model_cfg, precision):
    """Loss of a first training step; its weights have changed and are finite."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(model_cfg))
    model.init_weights()
    model.cuda().train()
    optimizer = dict(type='SGD', lr=1e-3)
    wrapper = build_optim_wrapper(model, dict(WRAPPERS[precision], optimizer=optimizer))
    images = torch.randn(2, 3, 128, 160, generator=torch.Generator().manual_seed(0)).cuda()
    with wrapper.optim_context(model):
        loss, _ = model.parse_losses(model(images, random_samples(images), mode='loss'))
    wrapper.update_params(loss)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    return loss.item()


@pytest.mark.parametrize(
    'name',
    [
        'retinanet/retinanet_r50_fpn_1x_coco',
        'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
        'faster_rcnn/faster-rcnn_r50_fpn_1x_coco',
        'dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco',
        'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    ],
)
@pytest.mark.parametrize('extended', [False, True])
def test_detectors_train_in_every_type(name, extended, shipped, unchecked):
    cfg = shipped(name, light='mdconv' not in name)  # deformable convs are in blocks of R-50
    cfg.model.backbone.init_cfg = None
    cfg.model = (extend_config(cfg) if extended else cfg).model
    exact = first_loss(cfg.model, 'float32')
    with readable_inputs():
        rough = first_loss(cfg.model, 'bfloat16')
    assert rough == pytest.approx(exact, rel=0.1)
    assert first_loss(cfg.model, 'float16') == pytest.approx(exact, rel=0.1)


def test_the_focal_loss_has_no_kernel_without(shipped):
    """Should this fail one day, mmcv has the kernels, and the wrapper can go."""
    cfg = shipped('retinanet/retinanet_r50_fpn_1x_coco', light=True)
    init_default_scope('mmdet')
    model = MODELS.build(dict(cfg.model, backbone=dict(cfg.model.backbone, init_cfg=None)))
    model.cuda().train()
    images = torch.randn(1, 3, 64, 96).cuda()
    with (
        pytest.raises(RuntimeError, match='BFloat16'),
        torch.autocast('cuda', dtype=torch.bfloat16),
    ):
        model(images, random_samples(images), mode='loss')


@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
def test_roi_align_of_channels_last_maps_is_that_of_the_cpu(dtype):
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 16, 20).to(dtype)
    rois = torch.tensor([[0, 1.0, 2.0, 9.0, 8.0], [1, 3.0, 3.0, 17.0, 12.0]])
    pool = RoIAlign(3, 1.0, 2)
    expected = pool(maps.float(), rois)
    last = maps.cuda().contiguous(memory_format=torch.channels_last)
    with readable_inputs():
        pooled = pool(last, rois.cuda().to(last.dtype if dtype is torch.float16 else rois.dtype))
    assert pooled.dtype == dtype
    tolerance = 1e-5 if dtype is torch.float32 else 2e-2
    torch.testing.assert_close(pooled.float().cpu(), expected, rtol=tolerance, atol=tolerance)


def test_times_are_the_gpus_and_the_profile_has_its_kernels(tiny_config):
    subject = parse_subject(str(tiny_config), (256, 384), 'backbone+neck', {}, 2)
    (row,) = compare([subject], 'cuda', 3, amp='bfloat16', traffic=True, profile=True)
    assert 0 < row['forward_seconds'] < row['forward_backward_seconds'] < 5
    assert row['forward_bytes'] > 0
    spots = row['profile']['forward']
    assert any('conv' in spot.operation for spot in spots)
    kernels = sum(spot.calls for spot in spots)
    assert kernels >= 0.5 * row['traffic']['forward'].kernels
    assert sum(spot.milliseconds for spot in spots) < 1e3


def test_maps_agree_with_the_cpu(tiny_config):
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(Config.fromfile(tiny_config).model).eval()
    model.init_weights()
    images = torch.randn(1, 3, 96, 128)
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.no_grad():
            expected = model.extract_feat(images)
            found = model.cuda().extract_feat(images.cuda())
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, rtol=1e-4, atol=1e-5)
