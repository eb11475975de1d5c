"""What would train wrong is an error or a note, each with its number, file or name."""

import json

import pytest
from mmdet.registry import DATASETS
from mmengine.registry import init_default_scope
from PIL import Image

from mmdet_efpn.datasets import CheckedCocoDataset, checked_coco
from mmdet_efpn.datasets.checks import (
    check_box_form,
    check_classes,
    check_masks,
    check_picture_files,
    class_names,
    mend_areas,
)
from mmdet_efpn.utils.errors import UserError


def content(**changes):
    """Two pictures of 64x48 with two boxes each."""
    boxes = [[2, 4, 10, 12], [30, 20, 16, 8]]
    annotations = [
        dict(
            id=i + 1, image_id=i // 2 + 1, category_id=1, bbox=list(box), area=box[2] * box[3], iscrowd=0
        )
        for i, box in enumerate(boxes * 2)
    ]
    images = [dict(id=i, file_name=f'{i}.png', width=64, height=48) for i in (1, 2)]
    return dict(images=images, annotations=annotations, categories=[dict(id=1, name='a')], **changes)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Function that writes a file's content and its pictures, and gives the data set and its log."""
    lines = []
    monkeypatch.setattr(checked_coco, 'print_log', lambda text, **_: lines.append(text))

    def run(text, classes=('a',), **options):
        for image in text['images']:
            path = tmp_path / image['file_name'].replace('\\', '/')
            path.parent.mkdir(exist_ok=True)
            if not path.exists():
                Image.new('RGB', (64, 48)).save(path)
        (tmp_path / 'annotations.json').write_text(json.dumps(text))
        data = CheckedCocoDataset(
            data_root=str(tmp_path),
            ann_file='annotations.json',
            data_prefix=dict(img=''),
            metainfo=dict(classes=classes),
            **options,
        )
        return data, '\n'.join(lines)

    return run


@pytest.mark.parametrize(
    ('part', 'said'),
    [
        ('images', r"ids stand twice in 'images', the first is 1 \(of file_name '1\.png', '2\.png'\)"),
        ('annotations', r"stand twice in 'annotations', the first is 1 \(of image_id 1, 1\)"),
    ],
)
def test_an_id_that_stands_twice(build, part, said):
    text = content()
    text[part][1]['id'] = text[part][0]['id']
    with pytest.raises(UserError, match=said):
        build(text)


@pytest.mark.parametrize('key', ['image_id', 'category_id'])
def test_ids_as_text_here_and_as_numbers_there(build, key):
    text = content()
    for entry in text['annotations']:
        entry[key] = str(entry[key])
    with pytest.raises(UserError, match=rf"{key} is '1' in 4 of 4 annotations, but '\w+' has 1"):
        build(text)


def test_corners_are_told_by_what_leaves_the_picture():
    text = content()
    assert check_box_form('f', text) == 0
    text['annotations'][1]['bbox'] = [60, 20, 16, 8]
    assert check_box_form('f', text) == 1  # one sticks out, the others are no corners
    for entry in text['annotations']:
        x, y, w, h = entry['bbox']
        entry['bbox'] = [x + 30, y + 20, x + 30 + w, y + 20 + h]
    with pytest.raises(UserError, match=r'4 of 4 boxes leave .* corners \(x1, y1, x2, y2\)'):
        check_box_form('f', text)


def test_shares_of_the_picture_are_no_pixels():
    text = content()
    for entry in text['annotations']:
        entry['bbox'] = [v / 64 for v in entry['bbox']]
    with pytest.raises(UserError, match='every bbox lie between 0 and 1'):
        check_box_form('f', text)


def test_areas_are_mended_or_noted(build):
    text = content()
    del text['annotations'][0]['area']
    text['annotations'][1]['area'] = 0
    text['annotations'][2]['area'] = 5000
    assert mend_areas(json.loads(json.dumps(text))['annotations']) == (2, 1, 0)
    data, said = build(text)
    assert sum(len(data.get_data_info(i)['instances']) for i in range(2)) == 4
    assert '2 annotations had no area above 0' in said
    assert '1 annotations have an area larger than their box' in said


def test_an_ignored_box_is_a_region(build):
    text = content()
    text['annotations'][0]['ignore'] = 1
    data, said = build(text)
    assert [i['ignore_flag'] for i in data.get_data_info(0)['instances']] == [1, 0]
    assert '1 of them crowd regions' in said


def test_regions_of_no_class_are_regions_of_all(build):
    text = content()
    text['categories'].append(dict(id=9, name='ignored regions'))
    text['annotations'][1].update(category_id=9, ignore=1, iscrowd=1)
    data, _ = build(text)
    first, second = data.get_data_info(0)['instances']
    assert (first['ignore_flag'], second['ignore_flag']) == (0, 1)
    assert second['bbox'] == [30, 20, 46, 28]
    assert data.dropped['other_category'] == 0


def test_backslashes_are_slashes(build):
    text = content()
    text['images'][0]['file_name'] = 'sub\\1.png'
    data, said = build(text)
    assert data.get_data_info(0)['img_path'].endswith('sub/1.png')
    assert '1 file names have backslashes' in said


def test_a_class_without_a_box_is_named(build):
    text = content()
    text['categories'].append(dict(id=2, name='vehicles'))
    assert "no box of 'vehicles'" in build(text, classes=('a', 'vehicles'))[1]


def test_no_usable_box_at_all(build):
    text = content()
    for entry in text['annotations']:
        entry['bbox'] = [0, 0, 30, 0.5]
    with pytest.raises(UserError, match=r'no box of \S+ can be used .*4 zero size'):
        build(text, filter_cfg=dict(filter_empty_gt=False))


def test_a_test_file_without_annotations(build):
    text = content()
    del text['annotations']
    assert len(build(text, test_mode=True)[0]) == 2
    with pytest.raises(UserError, match="no list 'annotations'"):
        build(text)


@pytest.mark.parametrize(
    ('segmentation', 'count'), [(None, 4), ([], 4), ([[2, 4, 12, 4, 12, 16, 2, 16]], 0)]
)
def test_masks_that_the_pipeline_loads(segmentation, count):
    annotations = content()['annotations']
    for entry in annotations:
        if segmentation is not None:
            entry['segmentation'] = segmentation
    check_masks('f', annotations, [dict(type='LoadAnnotations', with_bbox=True)])
    loads = [dict(type='LoadAnnotations', with_bbox=True, with_mask=True)]
    if not count:
        check_masks('f', annotations, loads)
        return
    with pytest.raises(UserError, match=f'{count} of 4 boxes have no segmentation'):
        check_masks('f', annotations, loads)


def test_names_that_nearly_match_are_paired():
    categories = [dict(name=name) for name in ('Traffic-Sign', 'pedestrian ', 'lorry')]
    with pytest.raises(UserError) as caught:
        check_classes('f', categories, ('pedestrian', 'truck', 'traffic-sign'))
    said = str(caught.value)
    assert "'pedestrian' is 'pedestrian ' there" in said
    assert "'traffic-sign' is 'Traffic-Sign' there" in said
    with pytest.raises(UserError, match="'truck' may be 'lorry' there"):
        check_classes('f', categories, ('Traffic-Sign', 'pedestrian ', 'truck'))


def test_a_word_is_no_list_of_classes(tmp_path):
    with pytest.raises(UserError, match=r"classes=\('crack',\) with a comma"):
        class_names('crack', 'metainfo.classes')
    names = tmp_path / 'names.txt'  # MMEngine reads such a file
    names.write_text('crack\n')
    assert class_names(str(names), 'metainfo.classes') == ['crack']


def picture(path, size=(64, 48), said=(64, 48), mode='RGB', orientation=None):
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    Image.new(mode, size).save(path, exif=exif) if orientation else Image.new(mode, size).save(path)
    return dict(img_path=str(path), width=said[0], height=said[1])


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (dict(said=(48, 64)), r'p\.jpg has 64x48, and the file says 48x64'),
        (dict(orientation=6), r'p\.jpg is stored as 64x48 with EXIF orientation 6.*48x64'),
    ],
)
def test_a_size_that_is_not_the_files(tmp_path, options, said):
    with pytest.raises(UserError, match=said):
        check_picture_files('f', [picture(tmp_path / 'p.jpg', **options)])


def test_sizes_as_the_loader_turns_them_are_right(tmp_path):
    turned = picture(tmp_path / 'p.jpg', said=(48, 64), orientation=6)
    assert check_picture_files('f', [picture(tmp_path / 'q.jpg'), turned]) == []


def test_deep_and_unknown_pictures_are_named(tmp_path):
    deep = picture(tmp_path / 'deep.png', mode='I;16')
    (tmp_path / 'odd.tif').write_bytes(b'II*\0 no picture')
    odd = dict(img_path=str(tmp_path / 'odd.tif'), width=64, height=48)
    first, second = check_picture_files('f', [deep, odd])
    assert 'deep.png (I;16)' in first
    assert 'odd.tif' in second


def test_the_registry_builds_it_with_a_pipeline(build, tmp_path):
    init_default_scope('mmdet')
    build(content())
    steps = [
        dict(type='LoadImageFromFile'),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='PackDetInputs'),
    ]
    data = DATASETS.build(
        dict(
            type='CheckedCocoDataset',
            data_root=str(tmp_path),
            ann_file='annotations.json',
            data_prefix=dict(img=''),
            metainfo=dict(classes=('a',)),
            pipeline=steps,
        )
    )
    assert data[0]['data_samples'].gt_instances.bboxes.shape == (2, 4)


def test_numbers_and_other_accents_are_told():
    with pytest.raises(UserError, match="'1' is the number 1 there"):
        check_classes('f', [dict(name=1), dict(name=2)], ('1', '2'))
    with pytest.raises(UserError, match=r"'café' is 'cafe\\u0301' there"):
        check_classes('f', [dict(name='cafe\u0301')], ('café',))
    check_classes('f', [dict(name=1), dict(name='車')], (1, '車'))


def test_old_names_are_paired_when_one_is_left():
    with pytest.raises(UserError, match=r"'truck' may be 'lorry' there"):
        check_classes('f', [dict(name='Car'), dict(name='lorry')], ('car', 'truck'))


@pytest.mark.parametrize(
    ('names', 'classes', 'said'),
    [(('a', 'a'), ('a',), 'categories of the file'), (('a', 'b'), ('a', 'a'), r"metainfo\['classes'\]")],
)
def test_a_name_that_stands_twice(names, classes, said):
    with pytest.raises(UserError, match=rf'{said} have \[.a.\] more than once'):
        check_classes('f', [dict(name=name) for name in names], classes)


@pytest.mark.parametrize(
    ('part', 'key', 'value', 'said'),
    [
        ('annotations', 'category_id', None, r"\(id 1\) has null in \['category_id'\]"),
        ('annotations', 'image_id', None, r"\(id 1\) has null in \['image_id'\]"),
        ('images', 'width', '64', r"width of image 1 \(1\.png\) is '64'"),
        ('images', 'height', 0, r'height of image 1 \(1\.png\) is 0'),
        ('categories', 'name', None, r"has null in \['name'\]"),
        ('annotations', 'id', [1], r"id of entry 0 of 'annotations' is \[1\]"),
    ],
)
def test_values_that_are_no_values(build, part, key, value, said):
    text = content()
    text[part][0][key] = value
    with pytest.raises(UserError, match=said):
        build(text)


def test_flags_as_text_and_null(build):
    text = content()
    for entry, flag in zip(text['annotations'], ('0', None, 'true', 0), strict=True):
        entry.update(iscrowd=flag, ignore='0')
    data, _ = build(text)
    flags = [i['ignore_flag'] for place in (0, 1) for i in data.get_data_info(place)['instances']]
    assert flags == [0, 0, 1, 0]


def test_a_region_of_no_class_is_kept(build):
    """VisDrone's ignored regions are of a category that no class stands for."""
    text = content()
    text['annotations'][0].update(category_id=0, ignore=1)
    text['annotations'][1].update(category_id=5, ignore=0)
    data, _ = build(text)
    assert [i['ignore_flag'] for i in data.get_data_info(0)['instances']] == [1]
    assert data.dropped['unknown_category'] == 1


def test_pictures_and_boxes_that_stand_twice_are_noted(build):
    text = content()
    text['images'].append(dict(text['images'][0], id=9))
    text['annotations'].append(dict(text['annotations'][0], id=9))
    said = build(text)[1]
    assert '1 picture files are listed more than once' in said
    assert '1 boxes are copies of another one' in said


def test_a_name_in_another_case_is_shown(build, tmp_path):
    text = content()
    Image.new('RGB', (64, 48)).save(tmp_path / '1.png')
    text['images'][0]['file_name'] = '1.PNG'
    (tmp_path / 'annotations.json').write_text(json.dumps(text))
    with pytest.raises(UserError, match=r'images are missing.*; 1\.png is there: write file_name'):
        CheckedCocoDataset(
            data_root=str(tmp_path),
            ann_file='annotations.json',
            data_prefix=dict(img=''),
            metainfo=dict(classes=('a',)),
        )


def test_masks_of_regions_flat_lists_and_stubs():
    one, flat, stub, region = content()['annotations']
    one['segmentation'] = [[2, 4, 12, 4, 12, 16]]
    flat['segmentation'] = [2, 4, 12, 4, 12, 16]
    stub['segmentation'] = [[2, 4, 12, 4]]
    region['ignore'] = 1
    loads = [dict(type='LoadAnnotations', with_mask=True)]
    (said,) = check_masks('f', [one, flat, stub, region], loads)
    assert said.startswith('1 annotations have a segmentation that is no polygon')
    assert flat['segmentation'] == [[2, 4, 12, 4, 12, 16]]
    assert region['segmentation'] == [[30, 20, 46, 20, 46, 28, 30, 28]]


@pytest.mark.parametrize(
    ('color_type', 'said'), [('color', (48, 64)), ('color_ignore_orientation', (64, 48))]
)
def test_the_loader_says_whether_exif_turns(tmp_path, color_type, said):
    loader = [dict(type='LoadImageFromFile', color_type=color_type)]
    turned = picture(tmp_path / 'p.jpg', said=said, orientation=6)
    assert check_picture_files('f', [turned], loader) == []
    with pytest.raises(UserError, match='another width and height'):
        check_picture_files('f', [dict(turned, width=said[1], height=said[0])], loader)


def test_a_turn_that_keeps_the_size_is_noted(tmp_path):
    (said,) = check_picture_files('f', [picture(tmp_path / 'p.jpg', orientation=3)])
    assert 'p.jpg (3)' in said
    assert 'EXIF' in said


def test_a_wrong_size_beyond_the_headers_read_is_found_when_loaded(build, monkeypatch):
    monkeypatch.setattr('mmdet_efpn.datasets.checks.picture_files.LOOKED_AT', 1)
    init_default_scope('mmdet')
    text = content()
    text['images'][1].update(width=48, height=64)
    for entry in text['annotations']:
        entry['bbox'], entry['area'] = [2, 4, 10, 12], 120
    loads = [dict(type='LoadImageFromFile'), dict(type='PackDetInputs', meta_keys=('ori_shape',))]
    data, _ = build(text, pipeline=loads)
    assert data[0]['inputs'].shape == (3, 48, 64)
    with pytest.raises(UserError, match=r'2\.png has 64x48 .* says 48x64'):
        data[1]
