"""The gap between student and teacher, against hand-made maps, and its table and picture."""

import math

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.config import Config
from mmengine.structures import InstanceData
from PIL import Image
from torch import nn

from benchmarks import distillation_gap as distillation_report
from benchmarks.common.feature_pictures import feature_colours
from benchmarks.common.gap import distillation_gap


class Maps(nn.Module):
    """Stands for a distiller: gives maps made by hand."""

    def __init__(self, student, teacher):
        super().__init__()
        self.maps = student, teacher

    def data_preprocessor(self, batch, training):
        return batch

    def compare(self, images):
        return dict(p2_prime=(*self.maps, 4))


def sample(shape, *boxes):
    data_sample = DetDataSample(metainfo=dict(img_shape=shape))
    data_sample.gt_instances = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    )
    return data_sample


def test_parts_worked_by_hand():
    """8 x 8 px image in a 16 x 16 canvas: 4 cells count, one of them on the object."""
    teacher = torch.full((1, 2, 4, 4), 2.0)
    student = teacher.clone()
    student[0, :, 0, 0] += torch.tensor([1.0, 3.0])  # the object's cell
    student[0, 0, 1, 1] -= 1.0  # background
    student[0, :, 3, 3] += 100.0  # padding
    gap = distillation_gap(
        Maps(student, teacher), [dict(inputs=None, data_samples=[sample((8, 8), [1, 1, 3, 3])])]
    )['p2_prime']
    assert gap == pytest.approx(dict(foreground=2.0, background=0.5 / 3, all=2.5 / 4, teacher=2.0))


def test_batches_weigh_by_their_cells_and_no_object_is_nan():
    teacher = torch.zeros(1, 1, 4, 4)
    batches = [
        dict(inputs=None, data_samples=[sample((16, 16))]),
        dict(inputs=None, data_samples=[sample((4, 4))]),
    ]
    maps = Maps(teacher + 1, teacher)
    differences = iter((1.0, 35.0))
    maps.compare = lambda images: dict(p2_prime=(teacher + next(differences), teacher, 4))
    gap = distillation_gap(maps, batches)['p2_prime']
    assert gap['all'] == pytest.approx((16 * 1 + 35) / 17)
    assert math.isnan(gap['foreground'])


def test_equal_maps_have_equal_colours_and_the_reference_uses_the_whole_range():
    torch.manual_seed(0)
    reference = torch.randn(5, 8, 8)
    one, other, same = feature_colours([reference + 3, reference[:, :4], reference], size=(16, 16))
    again = feature_colours([reference.clone(), reference], size=(16, 16))
    assert (again[0] == again[1]).all()
    assert (again[1] == same).all()
    assert same.shape == other.shape == (16, 16, 3)
    assert same.min() == 0
    assert same.max() == 255
    assert (one != same).any()
    with pytest.raises(ValueError, match=r'one width of 3 or more, got \[\(2, 4, 4\)\]'):
        feature_colours([torch.zeros(2, 4, 4)])


@pytest.fixture
def distiller_config(tiny_config, tmp_path):
    base = Config.fromfile(tiny_config)
    cfg = Config(
        dict(
            base.to_dict(),
            model=dict(type='CrossResolutionDistiller', detector=base.model),
            val_dataloader=base.test_dataloader.to_dict(),
        )
    )
    cfg.dump(tmp_path / 'distill.py')
    return cfg


def test_table_and_picture_of_a_tiny_distiller(distiller_config, tmp_path, capsys):
    torch.save({}, tmp_path / 'start.pth')
    distillation_report.main(
        [
            str(tmp_path / 'distill.py'),
            str(tmp_path / 'start.pth'),
            '--images',
            '3',
            '--picture',
            str(tmp_path / 'maps.png'),
            '--pictured',
            '2',
        ]
    )
    printed = capsys.readouterr().out
    assert 'over 3 images' in printed
    assert '| p2_prime |' in printed
    assert 'nan' not in printed
    picture = np.asarray(Image.open(tmp_path / 'maps.png'))
    assert picture.shape[:2] == (2 * (480 + 24 + 6) + 6, 4 * (480 + 6) + 6)


def test_weights_of_an_earlier_checkpoint_do_not_stay(distiller_config, tmp_path):
    torch.save({}, tmp_path / 'empty.pth')
    first = distillation_report.load_distiller(distiller_config, str(tmp_path / 'empty.pth'))
    torch.save({key: value + 1 for key, value in first.state_dict().items()}, tmp_path / 'full.pth')
    full = distillation_report.load_distiller(distiller_config, str(tmp_path / 'full.pth'))
    again = distillation_report.load_distiller(distiller_config, str(tmp_path / 'empty.pth'))
    for key, value in first.state_dict().items():
        assert torch.equal(full.state_dict()[key], value + 1), key
        assert torch.equal(again.state_dict()[key], value), key


def test_boxes_are_read_before_resizing(tiny_config):
    cfg = Config.fromfile(tiny_config)
    cfg.val_dataloader = cfg.test_dataloader
    for step in cfg.val_dataloader.dataset.pipeline:
        if step.type == 'Resize':
            step.scale = (128, 128)
    original = distillation_report.DATASETS.build(cfg.val_dataloader.dataset).get_data_info(0)
    boxes = distillation_report.annotated_dataset(cfg)[0]['data_samples'].gt_instances.bboxes
    assert torch.allclose(
        boxes.tensor if hasattr(boxes, 'tensor') else boxes,
        2.0 * torch.tensor([i['bbox'] for i in original['instances']]),
    )


def test_refuses_a_config_without_distiller(tiny_config, tmp_path):
    torch.save({}, tmp_path / 'start.pth')
    with pytest.raises(SystemExit, match='trains a FasterRCNN, not a CrossResolutionDistiller'):
        distillation_report.main([str(tiny_config), str(tmp_path / 'start.pth')])
