"""The paired bootstrap against COCO's evaluation of data sets with the drawn images copied out."""

import contextlib
import io
import pickle

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mmdet_efpn.evaluation.paired_bootstrap import BootstrapEvaluation, compare

CATEGORIES = [3, 7]


def coco(images, boxes):
    """A COCO data set; ``boxes``: (image, category, x, y, width, height)."""
    truth = COCO()
    truth.dataset = dict(
        images=[dict(id=i, width=200, height=200) for i in images],
        categories=[dict(id=c, name=str(c)) for c in CATEGORIES],
        annotations=[
            dict(id=n, image_id=i, category_id=c, bbox=list(box), area=box[2] * box[3], iscrowd=0)
            for n, (i, c, *box) in enumerate(boxes, 1)
        ],
    )
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def random_boxes(images, seed):
    generator = np.random.default_rng(seed)
    return [
        (i, CATEGORIES[generator.integers(2)], *(float(v) for v in generator.uniform(5, 100, 4)))
        for i in images
        for _ in range(4)
    ]


def predictions(boxes, images, noise, seed):
    """Boxes near the truth with random scores, in the form that tools/test.py writes."""
    generator, found = np.random.default_rng(seed), []
    for image in images:
        own = [(CATEGORIES.index(c), x, y, x + w, y + h) for i, c, x, y, w, h in boxes if i == image]
        corners = torch.tensor([box[1:] for box in own]).reshape(-1, 4)
        found.append(
            dict(
                img_id=image,
                pred_instances=dict(
                    bboxes=corners + torch.from_numpy(generator.normal(0, noise, corners.shape)).float(),
                    scores=torch.from_numpy(generator.uniform(0, 1, len(own))),
                    labels=torch.tensor([box[0] for box in own], dtype=torch.long),
                ),
            )
        )
    return found


IMAGES = [5, 6, 9]
BOXES = random_boxes(IMAGES, 0)


@pytest.mark.parametrize('draw', [[0, 1, 2], [2, 2, 0], [1, 1, 1]], ids=str)
def test_a_draw_equals_a_data_set_of_copied_images(draw):
    found = predictions(BOXES, IMAGES, noise=4, seed=1)
    copies = range(100, 103)
    boxes = [
        (copied, *box[1:])
        for copied, i in zip(copies, draw, strict=True)
        for box in BOXES
        if box[0] == IMAGES[i]
    ]
    truth, results = coco(copies, boxes), []
    for copied, i in zip(copies, draw, strict=True):
        instances = found[i]['pred_instances']
        for (left, top, right, bottom), score, label in zip(
            *(instances[key].tolist() for key in ('bboxes', 'scores', 'labels')), strict=True
        ):
            results.append(
                dict(
                    image_id=copied,
                    category_id=CATEGORIES[label],
                    score=score,
                    bbox=[left, top, right - left, bottom - top],
                )
            )
    with contextlib.redirect_stdout(io.StringIO()):
        expected = COCOeval(truth, truth.loadRes(results), 'bbox')
        expected.evaluate()
        expected.accumulate()
        expected.summarize()
    ours = BootstrapEvaluation(coco(IMAGES, BOXES), found, CATEGORIES).on(np.array(draw))
    assert 0.1 < ours[0] < 0.95
    np.testing.assert_allclose(ours, expected.stats[:6], atol=1e-12)


def test_equal_detectors_do_not_differ_and_a_better_one_does():
    images = list(range(20))
    boxes = random_boxes(images, 3)
    truth = coco(images, boxes)
    good, bad = (
        BootstrapEvaluation(truth, predictions(boxes, images, noise, 1), CATEGORIES) for noise in (1, 9)
    )
    same = compare(good, good, draws=5, seed=0)
    assert all(row['difference'] == row['low'] == row['high'] == 0 for row in same)
    row = compare(bad, good, draws=20, seed=0)[0]
    assert row['metric'] == 'AP'
    assert 0 < row['low'] < row['difference'] < row['high']
    assert compare(bad, good, draws=20, seed=0)[0] == row


class Known:
    """Stands for an evaluation: an image is worth its number, a draw the mean of its images."""

    num_images, names = 50, ('AP', 'AP50')

    def __init__(self, scale):
        self.scale = scale

    def on(self, draw):
        return np.full(len(self.names), self.scale * draw.mean())


def test_the_interval_holds_nineteen_of_twenty_draws():
    row = compare(Known(1.0), Known(3.0), draws=4000, seed=0)[0]
    assert row['difference'] == pytest.approx(2 * 24.5)
    # the mean of 50 numbers drawn from 0..49, doubled: normal, by the central limit theorem
    spread = 2 * np.sqrt((50**2 - 1) / 12 / 50)
    assert row['low'] == pytest.approx(49 - 1.96 * spread, abs=0.3)
    assert row['high'] == pytest.approx(49 + 1.96 * spread, abs=0.3)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match='the predictions are of 2 images, the annotations of 3'):
        BootstrapEvaluation(coco(IMAGES, BOXES), predictions(BOXES, IMAGES[:2], 1, 0), CATEGORIES)


def test_command(tiny_config, tmp_path, command):
    box = dict(
        bboxes=torch.tensor([[1.0, 2.0, 30.0, 40.0]]),
        scores=torch.ones(1),
        labels=torch.zeros(1, dtype=torch.long),
    )
    found = [
        dict(img_id=i, pred_instances={key: value[: int(i == 0)] for key, value in box.items()})
        for i in range(6)
    ]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(found))
    found = tmp_path / 'a.pkl'
    code, printed, _ = command('compare', tiny_config, found, found, '--draws', '2')
    assert code == 0
    assert '6 images, 2 draws' in printed
    assert '+0.000 to +0.000' in printed
    code, _, error = command('compare', tiny_config, found, 'gone.pkl')
    assert code == 2
    assert 'predictions not found: gone.pkl' in error
