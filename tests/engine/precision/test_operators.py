"""mmcv's operators under bfloat16 and on channels-last maps; stand-ins behave as the CUDA kernels."""

import contextlib

import mmcv.ops
import pytest
import torch
import torch.nn.functional as F
from mmcv.ops import RoIAlign, focal_loss, modulated_deform_conv2d, nms, roi_align, sigmoid_focal_loss
from mmdet.models.losses import focal_loss as mmdet_focal_loss
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from torch.autograd import Function

from mmdet_efpn.engine import readable_inputs
from mmdet_efpn.engine.precision.operators import _operators, computes_in_bfloat16
from mmdet_efpn.evaluation.cost import random_samples


def focal_terms(logits, labels, gamma, alpha):
    """Section 3 of arXiv:1708.02002, the label one-hot; background is the class behind the last."""
    targets = F.one_hot(labels, logits.shape[1] + 1)[:, :-1].to(logits)
    chance = torch.where(targets > 0, logits.sigmoid(), 1 - logits.sigmoid())
    weight = torch.where(targets > 0, alpha, 1 - alpha)
    return -weight * (1 - chance) ** gamma * chance.clamp(min=1e-12).log()


def refuse(*tensors):
    if any(tensor.dtype == torch.bfloat16 for tensor in tensors):
        raise RuntimeError('"sigmoid_focal_loss_forward_cuda_kernel" not implemented for \'BFloat16\'')


@pytest.fixture
def kernels_as_on_a_gpu(monkeypatch):
    """The focal loss's kernels in torch, raising for bfloat16, and MMDetection's loss calling them."""

    def forward(logits, labels, weight, output, gamma, alpha):
        refuse(logits, output)
        output.copy_(focal_terms(logits, labels, gamma, alpha))

    def backward(logits, labels, weight, gradient, gamma, alpha):
        refuse(logits, gradient)
        with torch.enable_grad():
            logits = logits.detach().requires_grad_()
            terms = focal_terms(logits, labels, gamma, alpha).sum()
        gradient.copy_(torch.autograd.grad(terms, logits)[0])

    monkeypatch.setattr(focal_loss.ext_module, 'sigmoid_focal_loss_forward', forward)
    monkeypatch.setattr(focal_loss.ext_module, 'sigmoid_focal_loss_backward', backward)

    def loss_on_a_gpu(self, pred, target, weight=None, avg_factor=None, reduction_override=None):
        return self.loss_weight * mmdet_focal_loss.sigmoid_focal_loss(
            pred, target, weight, self.gamma, self.alpha, self.reduction, avg_factor
        )

    monkeypatch.setattr(mmdet_focal_loss.FocalLoss, 'forward', loss_on_a_gpu)


def test_the_focal_loss_runs_in_float32_and_its_gradient_returns_in_the_maps_type(kernels_as_on_a_gpu):
    torch.manual_seed(0)
    exact = torch.randn(20, 3).bfloat16().float().requires_grad_()
    rough = exact.detach().bfloat16().requires_grad_()
    labels = torch.randint(0, 4, (20,))
    with pytest.raises(RuntimeError, match='BFloat16'):
        sigmoid_focal_loss(rough, labels, 2.0, 0.25, None, 'none')
    with readable_inputs():
        loss = sigmoid_focal_loss(rough, labels, 2.0, 0.25, None, 'none')
        assert loss.dtype == torch.float32
        loss.sum().backward()
    expected = focal_terms(exact, labels, 2.0, 0.25)
    torch.testing.assert_close(loss, expected)
    (gradient,) = torch.autograd.grad(expected.sum(), exact)
    assert rough.grad.dtype == torch.bfloat16
    torch.testing.assert_close(rough.grad.float(), gradient, rtol=5e-3, atol=1e-4)
    with pytest.raises(RuntimeError, match='BFloat16'):  # outside it all is as before
        sigmoid_focal_loss(rough, labels, 2.0, 0.25, None, 'none')


def train_step(cfg):
    """Loss of a training step under bfloat16 autocast, its weights' gradients made."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    images = torch.randn(1, 3, 64, 96)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model.train()(images, random_samples(images), mode='loss')
        loss = model.parse_losses(losses)[0]
    loss.backward()
    return loss.item(), model


@pytest.mark.parametrize(
    'name', ['retinanet/retinanet_r50_fpn_1x_coco', 'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco']
)
def test_one_stage_detectors_train_under_bfloat16(name, shipped, kernels_as_on_a_gpu):
    cfg = shipped(name, light=True)
    cfg.model.backbone.update(init_cfg=None, frozen_stages=-1, norm_cfg=dict(type='BN'))
    with pytest.raises(RuntimeError, match="not implemented for 'BFloat16'"):
        train_step(cfg)
    with readable_inputs():
        loss, model = train_step(cfg)
    assert 0 < loss < 100
    gradients = [p.grad for p in model.bbox_head.parameters()]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert sum(gradient.abs().sum() for gradient in gradients) > 0


def test_roi_align_and_deformable_convs_take_bfloat16():
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 16, 20).bfloat16().float()
    rois = torch.tensor([[0, 1.0, 2.0, 9.0, 8.0], [1, 3.0, 3.0, 17.0, 12.0]])
    exact = roi_align(maps, rois, (3, 3), 1.0, 2)
    rough = maps.bfloat16().requires_grad_()
    with readable_inputs():
        pooled = roi_align(rough, rois, (3, 3), 1.0, 2)
        pooled.sum().backward()
    assert pooled.dtype == rough.grad.dtype == torch.bfloat16
    torch.testing.assert_close(pooled.float(), exact, rtol=5e-3, atol=5e-3)

    weight, offset, mask = torch.randn(4, 8, 3, 3), torch.zeros(2, 18, 16, 20), torch.ones(2, 9, 16, 20)
    parts = [tensor.bfloat16().requires_grad_() for tensor in (maps, offset, mask, weight)]
    plain = F.conv2d(maps, parts[3].float(), padding=1)  # without offsets
    with readable_inputs():
        out = modulated_deform_conv2d(*parts, None, 1, 1, 1, 1, 1)
        out.sum().backward()
    torch.testing.assert_close(out.float(), plain, rtol=1e-2, atol=2e-2)
    assert {part.grad.dtype for part in parts} == {torch.bfloat16}


def test_scores_in_bfloat16_choose_the_same_boxes():
    boxes = torch.tensor([[900.0, 0, 910, 10], [901, 0, 911, 10], [950, 0, 960, 10]])
    scores = torch.tensor([0.5, 0.75, 0.25]).bfloat16()
    with readable_inputs():
        kept, indices = nms(boxes, scores, 0.5)
    assert indices.tolist() == [1, 2]
    assert torch.equal(kept[:, :4], boxes[[1, 2]])  # to the last bit


def test_channels_last_maps_are_read_as_they_are():
    """Without it RoIAlign takes their memory for a contiguous map's."""
    torch.manual_seed(0)
    maps = torch.randn(1, 8, 16, 20)
    rois = torch.tensor([[0, 1.0, 2.0, 9.0, 8.0]])
    pool = RoIAlign(3, 1.0, 2)
    last = maps.contiguous(memory_format=torch.channels_last).requires_grad_()
    assert not torch.allclose(pool(last, rois), pool(maps, rois))
    with readable_inputs():
        pooled = pool(last, rois)
        (pooled * pooled.detach()).sum().backward()
    torch.testing.assert_close(pooled, pool(maps, rois))
    maps.requires_grad_()
    (pool(maps, rois) * pooled.detach()).sum().backward()
    torch.testing.assert_close(last.grad, maps.grad)


def test_every_operator_returns_to_what_it_was():
    functions = list(_operators(Function))
    names = {function.__name__ for function in functions}
    assert {'SigmoidFocalLossFunction', 'RoIAlignFunction', 'NMSop', 'CARAFEFunction'} <= names
    assert mmcv.ops.nms is nms
    before = [function.__dict__.get('forward') for function in functions]
    with contextlib.suppress(ValueError), readable_inputs():
        assert [function.__dict__.get('forward') for function in functions] != before
        raise ValueError('an error inside')
    assert [function.__dict__.get('forward') for function in functions] == before


@pytest.mark.parametrize(
    ('wrapper', 'is_so'),
    [
        (dict(type='BFloat16OptimWrapper'), True),
        (dict(type='AmpOptimWrapper', dtype='bfloat16'), True),
        (dict(type='AmpOptimWrapper'), False),
        (dict(type='OptimWrapper'), False),
    ],
)
def test_which_configs_compute_in_bfloat16(wrapper, is_so):
    assert computes_in_bfloat16(Config(dict(optim_wrapper=wrapper))) is is_so


def test_a_run_in_bfloat16_has_it(tiny_config, tmp_path, monkeypatch, command):
    seen = []

    def train(self):
        seen.append(mmcv.ops.roi_align.__self__.__dict__['forward'].__func__.__name__)
        seen.append(hasattr(mmcv.ops.roi_align.__self__.__dict__['forward'].__func__, '__wrapped__'))

    monkeypatch.setattr(Runner, 'train', train)
    for options in ([], ['--amp', 'bfloat16'], ['--channels-last']):
        code, _, error = command('train', tiny_config, *options, '--work-dir', tmp_path / 'run')
        assert code == 0, error
    assert seen == ['forward', False, 'forward', True, 'forward', True]
