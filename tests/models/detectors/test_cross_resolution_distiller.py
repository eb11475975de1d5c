"""The distiller: twins line up, the teacher stands still, and the loss falls."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.structures import InstanceData

from mmdet_efpn.datasets.synthetic import paint_scene
from mmdet_efpn.engine import keep_boxes_in_float32
from mmdet_efpn.models.detectors.cross_resolution_distiller import counted_cells, undisturbed


def distiller(build, detector_cfg, **changes):
    return build(dict(type='CrossResolutionDistiller', detector=detector_cfg, **changes))


def run_loss(model, data):
    return model(**model.data_preprocessor(data, True), mode='loss')


def test_losses_are_those_of_the_two_levels_written_out(detector_cfg, build, batch):
    """Against the plain detector's own parts, run by hand on both views."""
    model = distiller(build, detector_cfg).train()
    data = model.data_preprocessor(batch((128, 192)), True)
    losses = model(**data, mode='loss')
    plain = build(detector_cfg).eval()
    images = data['inputs']
    assert images.shape[2:] == (128, 192)
    half = images.reshape(2, 3, 64, 2, 96, 2).mean((3, 5))
    _, *stages = plain.backbone(images)
    inner3 = plain.neck._top_down(stages)[1]
    p2 = plain.neck.fpn_convs[0](plain.neck._top_down(stages)[0])
    _c2_prime, *stages = plain.backbone(half)
    student = plain.neck._top_down(stages)
    p3_prime = plain.neck.extension.ftt(student[0], student[1])
    p2_prime = plain.neck(plain.backbone(half))[0]
    assert float(losses['p3_prime.loss_global'].detach()) == pytest.approx(
        float((p3_prime - inner3).detach().abs().mean()), rel=1e-5
    )
    assert float(losses['p2_prime.loss_global'].detach()) == pytest.approx(
        float((p2_prime - p2).abs().mean()), rel=1e-5
    )
    # boxes 4, 6, 14, 18 and 30, 20, 90, 60 of the first image at stride 4
    on_objects = torch.zeros(2, 32, 48, dtype=torch.bool)
    on_objects[0, 1:5, 1:4] = True
    on_objects[0, 5:15, 7:23] = True
    expected = (p2_prime - p2).abs().permute(0, 2, 3, 1)[on_objects].mean()
    assert float(losses['p2_prime.loss_positive'].detach()) == pytest.approx(float(expected), rel=1e-5)
    assert set(losses) == {
        f'{level}.loss_{part}' for level in ('p2_prime', 'p3_prime') for part in ('global', 'positive')
    }


def averaging_distiller(build, detector_cfg, laterals: int):
    """A distiller whose convs average, so that a spot stays where it is, on the first laterals only."""
    model = distiller(build, detector_cfg).eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.fill_(1 / module.weight[0].numel())
        for conv in model.detector.neck.lateral_convs[laterals:]:
            conv.conv.weight.zero_()
    return model


def centre(strength):
    """Row and column of a map's centre of mass, in cells from its corner."""
    rows, columns = (torch.arange(side) + 0.5 for side in strength.shape)
    return tuple(
        float((strength.sum(axis) * cells).sum() / strength.sum())
        for axis, cells in ((1, rows), (0, columns))
    )


@pytest.mark.parametrize(
    ('size', 'place'),
    [((128, 160), (46, 50)), ((101, 163), (57, 33)), ((129, 97), (40, 64)), ((90, 200), (57, 64))],
)
@pytest.mark.parametrize(('level', 'laterals'), [('p3_prime', 2), ('p2_prime', 1)])
def test_an_impulse_meets_its_twin(build, detector_cfg, size, place, level, laterals):
    """A bright spot moves the teacher's and the student's map at the same place, to about a cell.

    Not to less: a strided conv is centred on the first pixel of each pair, so every octave moves the
    centre of mass by up to half a cell of its own. For the same reason P2' is looked at without what
    comes up from coarser levels by nearest-neighbour upsampling.
    """
    model = averaging_distiller(build, detector_cfg, laterals)
    image = torch.zeros(1, 3, *size)
    spot = image.clone()
    y, x = place
    spot[..., y : y + 2, x : x + 2] = 1000.0
    with torch.no_grad():
        quiet, loud = model.compare(image), model.compare(spot)
    student, teacher, stride = loud[level]
    assert student.shape == teacher.shape
    assert teacher.shape[2:] == tuple(-(-side // 64) * 64 // stride for side in size)
    places = [
        centre((after - before).abs().sum(1)[0])
        for after, before in zip(loud[level][:2], quiet[level][:2], strict=True)
    ]
    for found in places:
        assert found == pytest.approx(((y + 1) / stride, (x + 1) / stride), abs=1.1)
    assert places[0] == pytest.approx(places[1], abs=1.0)


@pytest.mark.parametrize('size', [(50, 70), (64, 33)])
def test_any_size_equals_the_same_image_on_a_canvas_of_whole_strides(detector_cfg, build, size):
    model = distiller(build, detector_cfg).eval()
    image = torch.randn(1, 3, *size)
    canvas = torch.zeros(1, 3, 64, 128 if size[1] > 64 else 64)
    canvas[..., : size[0], : size[1]] = image
    with torch.no_grad():
        pairs, expected = model.compare(image), model.compare(canvas)
    for level, (student, teacher, _) in pairs.items():
        assert torch.equal(student, expected[level][0])
        assert torch.equal(teacher, expected[level][1])


def test_padding_and_ignored_regions_do_not_count(batch):
    samples = batch((50, 64), (40, 30))['data_samples']
    samples[0].ignored_instances = InstanceData(bboxes=torch.tensor([[9.0, 0, 16, 8]]))
    counted = counted_cells(samples, torch.zeros(2, 1, 16, 16), 4)
    expected = torch.zeros(2, 16, 16, dtype=torch.bool)
    expected[0, :13, :16] = True  # 50 px are 12.5 cells
    expected[0, :2, 2:4] = False  # 9..16 px touch columns 2 and 3
    expected[1, :10, :8] = True  # 30 px are 7.5 cells
    assert torch.equal(counted, expected)


def test_what_lies_in_the_padding_changes_no_loss(detector_cfg, build, batch):
    """The maps of the small image are disturbed outside it only; no loss may see that."""
    model = distiller(build, detector_cfg).train()
    data = model.data_preprocessor(batch((128, 128), (64, 64)), True)
    compare = model.compare

    def disturbed(images):
        pairs = compare(images)
        for level, (pred, target, stride) in pairs.items():
            target = target.clone()
            target[1, :, 64 // stride :] += 100
            target[1, :, :, 64 // stride :] -= 100
            pairs[level] = pred, target, stride
        return pairs

    expected = model(**data, mode='loss')
    model.compare = disturbed
    got = model(**data, mode='loss')
    for name, value in expected.items():
        assert torch.equal(value, got[name]), name


def test_teacher_has_no_gradient_and_stands_still_while_the_extension_trains(detector_cfg, build, batch):
    model = distiller(build, detector_cfg).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    images = model.data_preprocessor(batch(), True)['inputs']
    targets = [pair[1] for pair in model.compare(images).values()]
    assert not any(target.requires_grad for target in targets)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    for _ in range(10):
        loss, _ = model.parse_losses(run_loss(model, batch()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert {id(p) for p in optimizer.state} == {
        id(p) for p in model.detector.neck.extension.parameters()
    }
    for target, after in zip(targets, model.compare(images).values(), strict=True):
        assert torch.equal(target, after[1])
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith('neck.extension.'), name


def test_joint_variant_trains_everything_and_keeps_the_statistics_of_the_detection_pass(
    detector_cfg, build, batch
):
    joint = distiller(build, detector_cfg, detection_loss=True).train()
    plain = build(detector_cfg).train()
    losses = run_loss(joint, batch())
    run_loss(plain, batch())
    assert {'loss_cls', 'loss_rpn_cls', 'p2_prime.loss_global'} <= set(losses)
    for (name, value), expected in zip(
        joint.state_dict().items(), plain.state_dict().values(), strict=True
    ):
        assert torch.equal(value, expected), name  # running statistics too
    joint.parse_losses(losses)[0].backward()
    without = [name for name, p in joint.named_parameters() if p.grad is None]
    assert without == []


@pytest.mark.parametrize('joint', [False, True])
def test_both_views_leave_running_statistics_alone(detector_cfg, build, batch, joint):
    """But those of the extension, where no detection loss keeps them."""
    detector_cfg['neck']['norm_cfg'] = dict(type='BN')
    model = distiller(build, detector_cfg, detection_loss=joint).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    model.compare(model.data_preprocessor(batch(), True)['inputs'])
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert bool(changed) != joint
    assert all(k.startswith('neck.extension.') for k in changed)
    assert [m.training for m in model.modules()] == modes
    assert all(m.track_running_stats for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))


def test_joint_distillation_normalises_as_the_detection_pass_does(detector_cfg, build, batch):
    """By the batch: what stands in the running statistics changes no loss of a training step."""
    detector_cfg['backbone']['c2_prime'] = 'stem'
    joint = distiller(build, detector_cfg, detection_loss=True).train()
    expected = {name: value for name, value in run_loss(joint, batch()).items() if 'prime' in name}
    for module in joint.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.fill_(3.0)
            module.running_var.fill_(0.01)
    losses = run_loss(joint, batch())
    assert len(expected) == 4
    for name, value in expected.items():
        assert torch.equal(losses[name], value), name
    images = joint.data_preprocessor(batch((64, 128)), True)['inputs']  # whole strides: not padded
    p2 = joint.detector.extract_feat(images)[1]
    assert torch.equal(joint.compare(images)['p2_prime'][1], p2)


def test_without_detection_loss_norms_that_train_normalise_as_in_evaluation(detector_cfg, build, batch):
    """Nothing would move their running statistics."""
    model = distiller(build, detector_cfg, trainable=['backbone.layer1', 'neck']).train()
    assert any(m.training for m in model.detector.backbone.layer1.modules())
    before = {k: v.clone() for k, v in model.state_dict().items()}
    trained = run_loss(model, batch())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    data = model.eval().data_preprocessor(batch(), False)
    for name, value in model.loss(data['inputs'], data['data_samples']).items():
        assert torch.equal(trained[name], value), name


def test_joint_distillation_with_activation_checkpointing_in_the_ftt(detector_cfg, build, batch):
    detector_cfg['neck']['ftt'] = dict(
        type='SwinFTT', embed_dims=16, num_heads=2, window_size=4, with_cp=True, drop_path_rate=0.5
    )
    model = distiller(build, detector_cfg, detection_loss=True).train()
    model.parse_losses(run_loss(model, batch()))[0].backward()
    assert all(p.grad is not None for p in model.detector.neck.extension.parameters())


@pytest.mark.parametrize('by_batch', [False, True])
def test_undisturbed_modules_are_restored(by_batch):
    norm, frozen, dropout, kept = (
        torch.nn.BatchNorm2d(2),
        torch.nn.BatchNorm2d(2).eval(),
        torch.nn.Dropout(),
        torch.nn.Sequential(torch.nn.Dropout(), torch.nn.BatchNorm2d(2)),
    )
    module = torch.nn.ModuleList([norm, frozen, dropout, kept])
    modes = [m.training for m in module.modules()]
    with pytest.raises(KeyError), undisturbed(module, but=[kept], by_batch=by_batch):  # noqa: PT012
        assert (norm.training, frozen.training, dropout.training) == (by_batch, False, False)
        assert all(m.training for m in kept)
        assert norm.track_running_stats == kept[1].track_running_stats == (not by_batch)
        raise KeyError
    assert [m.training for m in module.modules()] == modes
    assert all(m.track_running_stats for m in (norm, frozen, kept[1]))


def test_a_teacher_of_its_own(detector_cfg, build, batch, tmp_path, repository):
    """Another backbone with a plain FPN; its weights stay out of the checkpoint and the optimiser."""
    teacher = dict(
        detector_cfg,
        backbone=dict(detector_cfg['backbone'], type='ResNet', depth=34),
        neck=dict(type='FPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=5),
    )
    plain_heads = Config.fromfile(
        repository / 'configs/deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py'
    ).model
    teacher.update(
        rpn_head=dict(detector_cfg['rpn_head'], type='RPNHead'),
        roi_head=dict(
            plain_heads.roi_head,
            bbox_roi_extractor=dict(
                detector_cfg['roi_head']['bbox_roi_extractor'],
                featmap_strides=[4, 8, 16, 32],
                finest_scale=56,
            ),
            bbox_head=detector_cfg['roi_head']['bbox_head'],
        ),
    )
    weights = build(teacher)
    torch.save(weights.state_dict(), tmp_path / 'teacher.pth')
    Config(dict(model=teacher)).dump(tmp_path / 'teacher.py')
    files = dict(config=str(tmp_path / 'teacher.py'), checkpoint=str(tmp_path / 'teacher.pth'))
    model = distiller(build, detector_cfg, teacher=files).train()
    assert set(model.state_dict()) == set(build(detector_cfg).state_dict())
    assert not model.teacher.training
    data = model.data_preprocessor(batch((64, 128)), True)
    expected = weights.eval().neck(weights.backbone(data['inputs']))[0]
    assert torch.equal(model.compare(data['inputs'])['p2_prime'][1], expected)
    assert model.double().teacher.backbone.conv1.weight.dtype == torch.float64  # moves along

    teacher['data_preprocessor'] = dict(detector_cfg['data_preprocessor'], mean=[1.0, 2.0, 3.0])
    Config(dict(model=teacher)).dump(tmp_path / 'other_pixels.py')
    with pytest.raises(ValueError, match=r'data_preprocessor\.mean .* \[1\.0, 2\.0, 3\.0\]'):
        distiller(build, detector_cfg, teacher=dict(files, config=str(tmp_path / 'other_pixels.py')))
    torch.save(build(detector_cfg).state_dict(), tmp_path / 'wrong.pth')
    with pytest.raises(ValueError, match=r'wrong\.pth does not fit model\.teacher\.config'):
        distiller(build, detector_cfg, teacher=dict(files, checkpoint=str(tmp_path / 'wrong.pth')))
    with pytest.raises(ValueError, match=r'model\.teacher\.checkpoint not found: nowhere\.pth'):
        distiller(build, detector_cfg, teacher=dict(files, checkpoint='nowhere.pth'))


def test_reads_outputs_where_the_ftt_does(detector_cfg, build, batch):
    detector_cfg['neck']['ftt_source'] = 'on_output'
    model = distiller(build, detector_cfg).eval()
    images = model.data_preprocessor(batch((64, 128)), True)['inputs']
    levels = model.detector.extract_feat(images)
    assert torch.equal(model.compare(images)['p3_prime'][1], levels[2])
    assert torch.equal(model.compare(images)['p2_prime'][1], levels[1])


def test_distils_the_extension_of_another_neck(detector_cfg, build, batch):
    wrapped = dict(type='PAFPN', in_channels=[8, 16, 32, 64], out_channels=16, num_outs=5)
    detector_cfg['neck'] = dict(
        type='ExtendedNeck', neck=wrapped, c2_prime_channels=8, ftt=dict(type='FTT', hidden_channels=8)
    )
    model = distiller(build, detector_cfg).train()
    data = model.data_preprocessor(batch((64, 128)), True)
    levels = build(detector_cfg).eval().extract_feat(data['inputs'])
    pairs = model.compare(data['inputs'])
    assert torch.equal(pairs['p2_prime'][1], levels[1])
    assert torch.equal(pairs['p3_prime'][1], levels[2])
    model.parse_losses(model(**data, mode='loss'))[0].backward()
    assert all(
        (p.grad is not None) == name.startswith('neck.extension.')
        for name, p in model.detector.named_parameters()
    )
    detector_cfg['neck']['levels'] = 'p3_prime'
    with pytest.raises(ValueError, match="ExtendedNeck with levels='all'"):
        distiller(build, detector_cfg)


def test_distillation_halves_the_loss_on_synthetic_signs(detector_cfg, build, batch):
    """Four scenes with their boxes, two a step; the loss is taken over both batches."""
    model = distiller(build, detector_cfg).train()
    rng, batches = np.random.default_rng(0), []
    for _ in range(2):
        data = batch((128, 128))
        for i, sample in enumerate(data['data_samples']):
            scene, signs = paint_scene(rng, 128)
            data['inputs'][i] = torch.from_numpy(scene).permute(2, 0, 1)
            boxes = torch.tensor([box for _, box in signs], dtype=torch.float32)
            sample.gt_instances = InstanceData(
                bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long)
            )
        batches.append(data)
    optimizer = torch.optim.Adam((p for p in model.parameters() if p.requires_grad), lr=3e-3)
    curve = []
    for step in range(100):
        losses = run_loss(model, batches[step % 2])
        assert all(losses[f'{level}.loss_positive'].item() > 0 for level in ('p3_prime', 'p2_prime'))
        loss, _ = model.parse_losses(losses)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        curve.append(float(loss.detach()))
    assert sum(curve[-2:]) < 0.5 * sum(curve[:2]), (curve[:2], curve[-2:])


@pytest.mark.parametrize(
    'changes', [{}, dict(detection_loss=True), dict(trainable=['backbone.layer1', 'neck'])], ids=str
)
def test_gradients_under_autocast(detector_cfg, build, batch, changes):
    """The teacher casts weights without gradient that the student casts again."""
    model = distiller(build, detector_cfg, **changes).train()
    keep_boxes_in_float32(model)
    data = model.data_preprocessor(batch(), True)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = model(**data, mode='loss')
    model.parse_losses(losses)[0].backward()
    parts = ('neck.extension.', *(('backbone.layer1.', 'neck.lateral_convs.0') if changes else ()))
    names = [name for name, _ in model.named_parameters() if name.startswith(parts)]
    for name in names:
        gradient = model.get_parameter(f'detector.{name}').grad
        assert gradient is not None, name
        assert gradient.abs().sum() > 0, name
    if not model.detection_loss:  # with it, norms go by the batch in training alone
        model.eval()
    exact = model.loss(data['inputs'], data['data_samples'])
    for name in ('p2_prime.loss_global', 'p3_prime.loss_positive'):
        rough = losses[name].item()
        assert rough == pytest.approx(exact[name].item(), rel=0.05 if not changes else 0.2)


def test_a_backbone_that_gives_stride_2_of_its_own(detector_cfg, build, batch):
    """The extended pyramid of a backbone with five features; its teacher reads the last four."""
    detector_cfg['backbone'] = dict(type='MobileNetV2', widen_factor=0.25, out_indices=(0, 1, 2, 4, 6))
    detector_cfg['neck']['in_channels'] = [8, 8, 8, 24, 80]
    model = distiller(build, detector_cfg).eval()
    images = model.data_preprocessor(batch((64, 128)), True)['inputs']
    pairs = model.compare(images)
    assert torch.equal(pairs['p2_prime'][1], model.detector.extract_feat(images)[1])


def test_a_stem_of_the_taps_own_trains_with_the_extension(detector_cfg, build, batch):
    """Swin has no stride-2 feature, so the tap makes one, which no trained plain detector has."""
    swin = dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
    detector_cfg['backbone'] = dict(type='HighResolutionTap', backbone=swin, stem_channels=8)
    model = distiller(build, detector_cfg).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    run = model(**model.data_preprocessor(batch(), True), mode='loss')
    model.parse_losses(run)[0].backward()
    trained = {name.split('.')[1] for name, p in model.detector.named_parameters() if p.grad is not None}
    assert trained == {'extension', 'stride_two_stem'}
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all('stride_two_stem' in name for name in changed)


def test_refuses_what_cannot_be_distilled(detector_cfg):
    def make(**changes):
        return MODELS.build(dict(type='CrossResolutionDistiller', **changes))

    for divisor in (33, 4, 0):
        with pytest.raises(ValueError, match=f'size_divisor must be a multiple of 8.* got {divisor}'):
            make(detector=detector_cfg, size_divisor=divisor)
    plain = dict(detector_cfg, neck=dict(type='FPN', in_channels=[8], out_channels=16, num_outs=1))
    with pytest.raises(ValueError, match=r'model\.detector\.neck must make P2'):
        make(detector=plain)
    detector_cfg['backbone']['with_cp'] = True
    with pytest.raises(ValueError, match=r'set backbone\.norm_eval=True or with_cp=False'):
        make(detector=detector_cfg, detection_loss=True)
    with pytest.raises(ValueError, match=r'set backbone\.norm_eval=True or with_cp=False'):
        make(detector=detector_cfg, trainable=['backbone.layer2', 'neck.extension'])
    make(detector=detector_cfg)  # frozen, it runs again as it ran
