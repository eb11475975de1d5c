"""Made annotations and detections, the same on every machine."""

import json
import random
from pathlib import Path

import pytest

WIDTH, HEIGHT = 400, 300


def _box(generator: random.Random, largest: float) -> list[float]:
    side = 3 * (largest / 3) ** generator.random()
    width, height = (side * 1.4 ** (2 * generator.random() - 1) for _ in 'wh')
    x, y = generator.random() * (WIDTH - width), generator.random() * (HEIGHT - height)
    return [x, y, width, height]


def _near(generator: random.Random, box: list[float], noise: float) -> list[float]:
    moved = [v + noise * box[2 + n % 2] * generator.gauss(0, 1) for n, v in enumerate(box)]
    return [moved[0], moved[1], max(moved[2], 1.0), max(moved[3], 1.0)]


def _with_ties(content, found, generator):
    for entry in (*content['annotations'], *found):
        entry['bbox'] = [max(float(round(v)), float(n > 1)) for n, v in enumerate(entry['bbox'])]
    for entry in content['annotations']:
        if generator.random() < 0.4:
            entry['bbox'][2:] = [float(generator.choice((2, 8, 12, 16, 20, 32, 64)))] * 2
        x, y, width, height = entry['bbox']
        entry['area'] = width * height
        widths = generator.choice((0, 0, 0, 1, 2, 4))
        if widths and not entry['category_id'] > 3:
            keys = dict(image_id=entry['image_id'], category_id=entry['category_id'])
            found.append(dict(keys, bbox=[x, y, widths * width, height], score=generator.random()))
    for entry in found:
        entry['score'] = round(entry['score'], 1)
    return content, found


def make_boxes(
    seed: int,
    images: int = 8,
    objects: int = 20,
    classes: int = 3,
    largest: float = 70,
    ignored: float = 0.0,
    regions: int = 0,
    whole: bool = False,
) -> tuple[dict, list[dict]]:
    """A COCO file's content and detections near and far from its boxes, by Python's own generator.

    ``ignored`` is the share of annotations marked ``ignore``; ``regions`` the number of large ignored
    regions an image, of a category of their own. ``whole`` makes many ties: whole pixels, sides at the
    bounds of sizes, IoUs of 1, 1/2 and 1/4, scores in tenths.
    """
    generator = random.Random(seed)
    content = dict(
        images=[
            dict(id=i, file_name=f'{i}.jpg', width=WIDTH, height=HEIGHT) for i in range(1, images + 1)
        ],
        categories=[dict(id=c, name=f'class {c}') for c in range(1, classes + 1)],
        annotations=[],
    )
    if regions:
        content['categories'].append(dict(id=classes + 1, name='ignored regions'))
    found = []

    def annotate(image, category, box, **marks):
        entry = dict(id=len(content['annotations']) + 1, image_id=image, category_id=category, bbox=box)
        content['annotations'].append(dict(entry, area=box[2] * box[3], iscrowd=0, **marks))

    def detect(image, category, box):
        found.append(dict(image_id=image, category_id=category, bbox=box, score=generator.random()))

    for image in range(1, images + 1):
        for _ in range(regions):
            size = [float(generator.randint(30, 120)), float(generator.randint(30, 120))]
            corner = [float(generator.randint(0, side - 130)) for side in (WIDTH, HEIGHT)]
            annotate(image, classes + 1, corner + size, ignore=1)
        for _ in range(objects):
            category, box = generator.randint(1, classes), _box(generator, largest)
            marks = dict(ignore=1) if generator.random() < ignored else {}
            annotate(image, category, box, **marks)
            for chance, noise in ((0.8, 0.05), (0.4, 0.15), (0.2, 0.4)):
                if generator.random() < chance:
                    other = generator.random() < 0.15
                    kind = generator.randint(1, classes) if other else category
                    detect(image, kind, _near(generator, box, noise))
        for _ in range(objects // 2):
            detect(image, generator.randint(1, classes), _box(generator, largest))
    return _with_ties(content, found, generator) if whole else (content, found)


@pytest.fixture
def made_boxes():
    """The function that makes annotations and detections."""
    return make_boxes


@pytest.fixture
def figures_of(tmp_path):
    """Function that evaluates detections with a metric, by way of a file as a config names it."""
    import torch
    from mmdet.registry import METRICS

    def evaluate(content: dict, found: list[dict], classes: list[str] | None = None, **metric) -> dict:
        path = Path(tmp_path) / 'truth.json'
        path.write_text(json.dumps(content))
        names = classes or [entry['name'] for entry in content['categories']]
        labels = {e['id']: names.index(e['name']) for e in content['categories'] if e['name'] in names}
        built = METRICS.build(dict(type='SmallObjectMetric', ann_file=str(path), **metric))
        built.dataset_meta = dict(classes=tuple(names))
        samples = []
        for image in content['images']:
            mine = [entry for entry in found if entry['image_id'] == image['id']]
            boxes = torch.tensor([e['bbox'] for e in mine], dtype=torch.float64).reshape(-1, 4)
            samples.append(
                dict(
                    img_id=image['id'],
                    ori_shape=(image['height'], image['width']),
                    pred_instances=dict(
                        bboxes=torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1),
                        scores=torch.tensor([e['score'] for e in mine], dtype=torch.float64),
                        labels=torch.tensor([labels[e['category_id']] for e in mine], dtype=torch.long),
                    ),
                )
            )
        built.process({}, samples)
        return built.evaluate(len(samples))

    return evaluate
