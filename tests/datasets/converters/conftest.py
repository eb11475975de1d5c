"""A tiny data set in each format, with one fault or more; what it must become is in the tests."""

import json

import pytest
import yaml
from PIL import Image

from mmdet_efpn.datasets.converters import ConvertOptions, ReadOptions, convert


def picture(path, size=(100, 80), orientation=None):
    """Save a black picture; JPEG or PNG by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new('RGB', size).save(path, exif=exif)


def write(path, content):
    """Save text, or anything else as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding='utf-8')


def voc_xml(file_name, objects, size=(100, 80)):
    """A VOC annotation; an object is (name, difficult, xmin, ymin, xmax, ymax)."""
    items = ''.join(
        f'<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{x1}</xmin>'
        f'<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>'
        for name, difficult, x1, y1, x2, y2 in objects
    )
    width, height = size
    return (
        f'<annotation><filename>{file_name}</filename><size><width>{width}</width>'
        f'<height>{height}</height><depth>3</depth></size>{items}</annotation>'
    )


def coco_json(names, images, annotations):
    """COCO's format; an image is (id, name), an annotation (id, image, category, bbox, more)."""
    return dict(
        categories=[dict(id=number, name=name) for number, name in enumerate(names, 1)],
        images=[dict(id=number, file_name=name, width=100, height=80) for number, name in images],
        annotations=[
            dict(
                dict(id=number, image_id=image, category_id=category, bbox=box, area=1),
                **dict(dict(iscrowd=0), **more),
            )
            for number, image, category, box, more in annotations
        ],
    )


def make_voc(root):
    for name in ('a', 'b', 'c', 'unlabelled'):
        picture(root / f'JPEGImages/{name}.jpg')
    write(
        root / 'Annotations/a.xml',
        voc_xml(
            'a.jpg',
            [
                ('dog', 0, 10, 20, 30, 60),
                ('cat', 1, 5, 5, 15, 15),
                ('dog', 0, 90, 70, 120, 90),  # over the edge
                ('cat', 0, 'left', 5, 15, 15),
                ('cat', 0, 9, 9, 9, 20),
            ],
        ),
    )
    write(root / 'Annotations/b.xml', voc_xml('b.jpg', [], size=(640, 480)))  # not the file's size
    write(root / 'Annotations/c.xml', '<annotation><filename>c.jpg')
    write(root / 'Annotations/d.xml', voc_xml('d.jpg', []))  # no picture


def make_yolo(root):
    for name in ('train/images/a', 'train/images/empty', 'more/images/b', 'valid/images/v'):
        picture(root / f'{name}.jpg')
    content = dict(
        names={0: 'dog', 1: 'cat'},
        nc=2,
        train=['../train/images', 'more/images'],
        val='valid/images',
        test=None,
    )
    (root / 'data.yaml').write_text(yaml.safe_dump(content))
    lines = [
        '0 0.2 0.5 0.2 0.5',
        '1 0.1 0.1 0.3 0.1 0.3 0.4',  # a triangle
        '1 0.5 0.5 0.1',
        '7 0.5 0.5 0.1 0.1',
        '0 0.2 0.5 0.2 0.5',
        'dog 0.5 0.5 0.1 0.1',
    ]
    write(root / 'train/labels/a.txt', '\n'.join(lines))
    write(root / 'train/labels/lonely.txt', '0 .5 .5 .1 .1')
    write(root / 'more/labels/b.txt', '1 0.5 0.5 1.2 0.5\n')  # over both sides
    write(root / 'valid/labels/v.txt', '0 0.5 0.5 0.5 0.5\n')


def make_labelme(root):
    for name in ('a', 'b', 'unlabelled'):
        picture(root / f'{name}.png')

    def shape(label, kind, points, **more):
        return dict(label=label, shape_type=kind, points=points, **more)

    shapes = [
        shape('dog', 'rectangle', [[30, 60], [10, 20]]),
        shape('cat', 'polygon', [[1, 2], [11, 2], [6, 9]], group_id=1),
        shape('cat', 'polygon', [[21, 2], [25, 12], [22, 9]], group_id=1),
        shape('cat', 'circle', [[50, 40], [53, 44]], flags=dict(difficult=True)),
        shape('cat', 'point', [[5, 5]]),
        shape('cat', 'polygon', [[None, 2], [3, 4]]),
    ]
    write(root / 'a.json', dict(imagePath='a.png', imageWidth=100, imageHeight=80, shapes=shapes))
    write(root / 'b.json', dict(imagePath='b.png', imageWidth=None, imageHeight=None, shapes=[]))
    write(root / 'c.json', dict(imagePath='gone.png', shapes=[]))


def make_cvat(root):
    for name in ('images/a.jpg', 'images/b.jpg'):
        picture(root / name)
    write(
        root / 'annotations.xml',
        """<annotations><version>1.1</version><meta><task><labels>
        <label><name>dog</name></label><label><name>cat</name></label></labels></task></meta>
        <image id="0" name="a.jpg" width="100" height="80">
          <box label="cat" xtl="10" ytl="20" xbr="30.5" ybr="60" occluded="0"/>
          <box label="dog" xtl="20" ytl="30" xbr="60" ybr="50" rotation="90"/>
          <polygon label="dog" points="1,2;11,2;6,9"/>
          <ellipse label="dog" cx="50" cy="40" rx="10" ry="5"/>
          <box label="dog" xtl="1" ytl="1" xbr="9" ybr="9">
            <attribute name="difficult">true</attribute></box>
          <points label="dog" points="1,2"/>
          <box label="dog" xtl="1" ytl="1" xbr="nan" ybr="9"/>
          <box label="cow" xtl="1" ytl="1" xbr="4" ybr="9"/>
        </image>
        <image id="1" name="b.jpg" width="100" height="80"/>
        <image id="2" name="gone.jpg" width="100" height="80"/>
        </annotations>""",
    )


def make_openimages(root):
    for name in ('train/a.jpg', 'train/nothing_known.jpg', 'validation/v.jpg'):
        picture(root / name)
    head = 'ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf\n'
    write(
        root / 'oidv6-train-annotations-bbox.csv',
        head
        + 'a,x,/m/dog,1,0.1,0.3,0.25,0.75,0,0,0\n'
        + 'a,x,/m/cat,1,0.5,1,0.5,1,0,0,1\n'
        + 'a,x,/m/cat,1,0.5,,0.5,1,0,0,1\n'
        + 'gone,x,/m/cat,1,0.5,0.6,0.5,1,0,0,0\n',
    )
    write(root / 'validation-annotations-bbox.csv', head + 'v,x,/m/cat,1,0,0.5,0,0.5,0,0,0\n')
    write(root / 'class-descriptions-boxable.csv', '/m/dog,Dog\n/m/cat,"Cat, tame"\n')


def make_coco(root):
    for name in ('a', 'b', 'c'):
        picture(root / f'images/train/{name}.jpg')
    picture(root / 'images/val/v.jpg')
    train = coco_json(
        ['dog', 'cat'],
        [(7, 'a.jpg'), (9, 'b.jpg'), (9, 'c.jpg'), (11, 'gone.jpg')],
        [
            (1, 7, 1, [10, 20, 20, 40], {}),
            (2, 9, 2, [0, 0, 10, 10], dict(iscrowd=1)),
            (3, 9, 2, [0, 0, 10, 10], dict(ignore=1)),
            (3, 9, 2, [50, 0, 10, 10], {}),
            (4, 9, 2, None, {}),
            (5, 8, 2, [0, 0, 10, 10], {}),
            (6, 9, 3, [0, 0, 10, 10], {}),
            (7, 9, 2, [0, 0, 10, 10], dict(segmentation=[[0, 0, 10, 0, 0, 10]], area=50)),
        ],
    )
    write(root / 'annotations/instances_train2017.json', train)
    write(
        root / 'annotations/instances_val2017.json',
        coco_json(['dog', 'cat'], [(1, 'v.jpg')], [(1, 1, 2, [1, 2, 3, 4], {})]),
    )


def make_visdrone(root):
    for split in ('train', 'val'):
        base = root / f'VisDrone2019-DET-{split}'
        picture(base / 'images/a.jpg')
        lines = [
            '10,20,20,40,1,4,0,0',
            '0,0,30,10,0,0,0,0',
            '50,50,10,10,1,11,0,0,',
            '60,60,5,5,0,1,0,2',
            '1,1,x,5,1,1,0,0',
            '1,1,5,0,1,10,0,0',
        ]
        write(base / 'annotations/a.txt', '\n'.join(lines))
    picture(root / 'VisDrone2019-DET-val/images/unlabelled.jpg')
    write(root / 'VisDrone2019-DET-val/annotations/gone.txt', '')


AITOD = ['airplane', 'bridge', 'storage-tank', 'ship', 'swimming-pool', 'vehicle', 'person', 'wind-mill']


def make_aitod(root):
    picture(root / 'images/trainval/a.png')
    picture(root / 'images/test/t.png')
    annotations = [(1, 1, 6, [10, 20, 5, 6], {}), (2, 1, 7, [98, 70, 5, 6], {})]
    write(
        root / 'annotations/aitodv2_trainval.json',
        coco_json(AITOD, [(1, 'a.png'), (2, 'x_of_xview.png')], annotations),
    )
    write(root / 'annotations/aitodv2_test.json', coco_json(AITOD, [(1, 't.png')], []))


SODA_D = 'people rider bicycle motor vehicle traffic-sign traffic-light traffic-camera warning-cone'


def make_soda_d(root):
    picture(root / 'Images/a.jpg')
    annotations = [
        (1, 1, 1, [10, 20, 5, 6], {}),
        (2, 1, 10, [0, 0, 50, 10], {}),
        (3, 1, 2, [1, 30, 4, 4], dict(ignore=1)),
        (4, 1, 2, [1, 30, 4, -4], {}),
    ]
    content = coco_json([*SODA_D.split(), 'ignore'], [(1, 'a.jpg')], annotations)
    write(root / 'Annotations/train.json', content)


def make_soda_a(root):
    for split in ('train', 'val'):
        picture(root / f'{split}/Images/00001.jpg')
        entries = [
            dict(poly=[10, 20, 20, 10, 30, 20, 20, 30], category_id=2),
            dict(poly=[0, 0, 50, 0, 50, 10, 0, 10, 0, 5], category_id=9),
            dict(poly=[1, 2, 3], category_id=1),
            dict(poly=[1, 2, 3, 4, 5, 6, 7, 8], category_id=12),
        ]
        image = dict(file_name='00001.jpg', width=100, height=80, id=1)
        write(root / f'{split}/Annotations/00001.json', dict(images=image, annotations=entries))


def make_dota(root):
    for name in ('train/images/P0001.png', 'train/images/P0002.png', 'val/images/P0003.png'):
        picture(root / name)
    write(
        root / 'train/labelTxt-v1.5/P0001.txt',
        'imagesource:GoogleEarth\ngsd:0.1\n'
        '20 10 30 20 20 30 10 20 plane 0\n1.0 1.0 9.0 1.0 9.0 5.0 1.0 5.0 ship 1\n'
        '1 1 2 2 ship 0\n1 1 9 1 9 5 1 5 tank 0\n40 40 60 40 60 50 40 50 container-crane 0\n',
    )
    write(root / 'val/labelTxt-v1.5/P0003.txt', 'imagesource:GoogleEarth\ngsd:null\n')


def make_tinyperson(root):
    for split in ('train', 'test'):
        picture(root / split / 'labeled_images/a.jpg')
        annotations = [
            (1, 1, 1, [10, 20, 5, 6], dict(ignore=False, uncertain=False)),
            (2, 1, 2, [0, 0, 50, 10], dict(ignore=True)),
            (3, 1, 1, [1, 30, 4, 4], dict(ignore=False, uncertain=True)),
            (4, 1, 1, [1, 30, 0, 4], {}),
        ]
        content = coco_json(['sea_person', 'earth_person'], [(1, 'labeled_images/a.jpg')], annotations)
        write(root / f'annotations/tiny_set_{split}.json', content)


def make_uavdt(root):
    for number in (1, 2):
        picture(root / f'UAV-benchmark-M/M0101/img{number:06d}.jpg')
    picture(root / 'UAV-benchmark-M/M0203/img000001.jpg')
    labels = root / 'UAV-benchmark-MOTD_v1.0/GT'
    write(
        labels / 'M0101_gt_whole.txt',
        '1,1,10,20,20,40,1,1,1\n1,2,50,10,20,20,1,1,3\n3,1,1,1,5,5,1,1,1\n2,1,1,1\n1,3,1,1,5,5,1,1,9\n',
    )
    write(labels / 'M0101_gt_ignore.txt', '1,-1,0,0,30,10,1,-1,-1\n')
    write(labels / 'M0203_gt_whole.txt', '1,1,1,2,3,4,1,1,2\n')
    write(root / 'M_attr/train/M0101_attr.txt', '1,0')
    write(root / 'M_attr/test/M0203_attr.txt', '1,0')


def make_hit_uav(root):
    picture(root / 'normal_json/train/0_60_30_0_00001.jpg')
    content = coco_json(
        ['Person', 'Car', 'Bicycle', 'OtherVehicle', 'DontCare'],
        [(1, '0_60_30_0_00001.jpg')],
        [
            (1, 1, 1, [10, 20, 5, 6], {}),
            (2, 1, 5, [0, 0, 30, 10], {}),
            (3, 1, 2, [200, 0, 30, 10], {}),
        ],
    )
    content['annotation'] = content.pop('annotations')
    for image in content['images']:
        image['filename'] = image.pop('file_name')
    write(root / 'normal_json/annotations/train.json', content)


def make_deeppcb(root):
    picture(root / 'group/1/a_test.jpg')
    write(root / 'train.txt', 'group/1/a.jpg group/1_not/a.txt\n')
    write(root / 'group/1_not/a.txt', '1 2 11 22 1\n1 2 11 22 9\n')


def make_tt100k(root):
    picture(root / 'train/10.jpg')
    box = dict(xmin=10, ymin=20, xmax=30, ymax=60)
    objects = [dict(category='pl50', bbox=box), dict(category='p99', bbox=box)]
    entry = dict(path='train/10.jpg', id=10, objects=objects)
    write(root / 'annotations.json', dict(imgs={'10': entry}))


MAKERS = {
    name.removeprefix('make_').replace('_', '-'): maker
    for name, maker in list(globals().items())
    if name.startswith('make_')
}


@pytest.fixture(params=sorted(MAKERS))
def any_format(request):
    """Each format in turn."""
    return request.param


@pytest.fixture
def made(tmp_path):
    """Function that makes the tiny data set of a format, or an empty folder for what a test writes."""

    def make(name=None):
        root = tmp_path / 'source'
        root.mkdir(exist_ok=True)
        if name:
            MAKERS[name](root)
        return root

    return make


@pytest.fixture
def converted(tmp_path):
    """Function that converts a folder; gives the JSON of each split and its counts."""

    def run(name, source, out='out', read=None, **options):
        options = ConvertOptions(read or ReadOptions(), **options)
        writers = convert(name, source, tmp_path / out, options)
        content = {
            split: json.loads((tmp_path / out / f'annotations/{split}.json').read_text())
            for split in writers
        }
        return content, {split: dict(writer.counts) for split, writer in writers.items()}

    return run


@pytest.fixture(scope='session')
def make_picture():
    return picture


@pytest.fixture(scope='session')
def write_file():
    return write


@pytest.fixture(scope='session')
def voc_text():
    return voc_xml


@pytest.fixture
def coco_content():
    return coco_json


@pytest.fixture
def boxes_of():
    """Function: (file name, class, bbox, mark) of each annotation; mark is '', 'ignore' or 'region'."""

    def boxes(content):
        names = {entry['id']: entry['name'] for entry in content['categories']}
        files = {entry['id']: entry['file_name'] for entry in content['images']}
        marks = {(0, 0): '', (0, 1): 'ignore', (1, 0): 'crowd', (1, 1): 'region'}
        return [
            (
                files[entry['image_id']],
                names[entry['category_id']],
                entry['bbox'],
                marks[entry['iscrowd'], entry.get('ignore', 0)],
            )
            for entry in content['annotations']
        ]

    return boxes
