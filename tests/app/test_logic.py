"""The page without a browser: limits, levels, threshold, messages, what a picture gives."""

import io
import json
import struct
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmdet.models.roi_heads import SingleRoIExtractor
from PIL import Image
from torch import nn

from mmdet_efpn.app import Limits, Shelf, Workbench, above, finest_level, viewer_html, without_paths
from mmdet_efpn.app.page import TILED, answer
from mmdet_efpn.app.server import OPEN
from mmdet_efpn.app.shelf import plain_name
from mmdet_efpn.inference import Predictor, Tiles
from mmdet_efpn.utils.errors import UserError


@pytest.fixture(scope='module')
def predictor(tiny_config, trained):
    return Predictor(tiny_config, trained, 'cpu', show_progress=False)


@pytest.fixture
def shelf():
    shelf = Shelf(Limits(1, 100_000))
    yield shelf
    shelf.close()


@pytest.fixture
def bench(predictor, shelf):
    return Workbench(predictor, shelf)


def put(shelf, content, name='a.png'):
    file = shelf.new_file()
    file.write_bytes(content)
    return shelf.take(name, file)


@pytest.fixture
def number(shelf, tiny_coco):
    return put(shelf, (tiny_coco / 'images' / '0.png').read_bytes())


def claiming(width, height):
    """A PNG of 60 bytes whose header claims a size."""

    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    head = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', head)
        + chunk(b'IDAT', zlib.compress(b''))
        + chunk(b'IEND', b'')
    )


def test_too_many_pixels_are_refused_by_the_header(shelf):
    with pytest.raises(
        UserError, match=r'bomb.png has 40000 x 25000 = 1000.0 million pixels: at most 0.1'
    ):
        put(shelf, claiming(40_000, 25_000), 'bomb.png')
    assert not list(shelf._folder.iterdir())


def test_too_many_bytes_and_no_pictures_are_refused(shelf):
    with pytest.raises(UserError, match=r'big\.png is too large: at most 1 MB are taken'):
        put(shelf, bytes(1_000_001), '/home/ann/big.png')
    with pytest.raises(UserError, match=r'notes.txt is no picture that can be read; BMP, JPEG'):
        put(shelf, b'no picture', 'notes.txt')
    with pytest.raises(UserError, match='must be over 0'):
        Limits(0)
    assert not list(shelf._folder.iterdir())


def test_the_oldest_picture_makes_room_and_all_go_at_the_end():
    stream = io.BytesIO()
    Image.new('RGB', (8, 8)).save(stream, 'PNG')
    shelf = Shelf(Limits(), most=2)
    numbers = [put(shelf, stream.getvalue()) for _ in range(3)]
    assert len(set(numbers)) == 3
    with pytest.raises(UserError, match='no longer here'):
        shelf[numbers[0]]
    assert sorted(path.name for path in shelf._folder.iterdir()) == sorted(numbers[1:])
    shelf.close()
    assert not shelf._folder.exists()


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('/tmp/x/a.png: [Errno 2]', 'a.png: [Errno 2]'),
        ("no such file: '/home/ann/b c.png'", "no such file: 'b c.png'"),
        ('at most 3/4, see http://a.org/b', 'at most 3/4, see http://a.org/b'),
    ],
)
def test_messages_name_no_folder(text, said):
    assert without_paths(text) == said


def test_names_lose_folders_and_signs():
    assert plain_name('..\\..\\x\n.png') == 'x.png'
    assert plain_name('../..') == 'picture'


def test_rois_under_56_pixels_are_of_p2_prime():
    extractor = SingleRoIExtractor(
        dict(type='RoIAlign', output_size=7), 16, [2, 4, 8, 16, 32], finest_scale=28
    )
    detector = nn.Module()
    detector.backbone, detector.roi_head = nn.Identity(), SimpleNamespace(bbox_roi_extractor=extractor)
    level = finest_level(detector)
    boxes = np.array([[0, 0, 10, 10], [5, 5, 60, 60], [0, 0, 57, 57], [0, 0, 28, 100]])
    # sides 10, 55, 57 and the root of 2800 = 52.9; at twice the size 20, 110, 114 and 105.8
    assert level.marks(boxes).tolist() == [True, True, False, True]
    assert level.marks(boxes, 2).tolist() == [True, False, False, False]
    assert 'under 56 pixels' in level.rule
    assert level.marks(np.zeros((0, 4))).tolist() == []
    extractor.featmap_strides = [4, 8, 16, 32]
    assert finest_level(detector) is None


def one_stage(strides, **parts):
    detector = nn.Module()
    detector.backbone = nn.Identity()
    priors = SimpleNamespace(strides=[(side, side) for side in strides], **parts.pop('priors', {}))
    detector.bbox_head = SimpleNamespace(prior_generator=priors, **parts)
    return detector


def test_one_stage_detectors_go_by_range_or_anchors():
    boxes = np.array([[0, 0, 8, 8], [0, 0, 64, 10], [0, 0, 66, 10]])
    ranges = finest_level(one_stage([2, 4], regress_ranges=((-1, 32), (32, 64))))
    assert ranges.marks(boxes).tolist() == [True, True, False]
    squares = [torch.tensor([[-side, -side, side, side]]) / 2 for side in (8.0, 16.0)]
    anchors = finest_level(one_stage([2, 4], priors=dict(base_anchors=squares)))
    # IoU of squares of 11 with 8 and 16: 0.529 and 0.473; of 12: 0.444 and 0.563
    boxes = np.array([[0, 0, 11, 11], [0, 0, 12, 12]])
    assert anchors.marks(boxes).tolist() == [True, False]
    assert finest_level(one_stage([4, 8], regress_ranges=((-1, 64), (64, 128)))) is None
    assert finest_level(nn.Identity()) is None


def test_the_threshold_filters_without_predicting(bench, number, predictor, monkeypatch):
    found = bench.find(number)
    monkeypatch.setattr(predictor, 'stream', None)  # a second prediction would fail
    scores = found.record.scores
    middle = scores[len(scores) // 2]
    assert 1 < len(above(bench.find(number), middle).record.scores) < len(scores)
    for score in (0, middle, 1):
        kept = above(bench.find(number), score)
        assert kept.record.scores == [value for value in scores if value >= score]
        assert len(kept.from_p2_prime) == len(kept.record.bboxes) == len(kept.record.scores)
        assert viewer_html(kept).count('<g class="efpn-box"') == len(kept.record.scores)


@pytest.mark.parametrize('tiles', [None, Tiles(40, 8)])
def test_the_json_is_that_of_predict(
    bench, number, tiles, tiny_config, trained, tiny_coco, command, tmp_path
):
    picture = tmp_path / 'a.png'
    picture.write_bytes((tiny_coco / 'images' / '0.png').read_bytes())
    words = ['--tile', tiles.size, '--overlap', tiles.overlap] if tiles else []
    words = [*map(str, words), '--score', '0.2', '--format', 'coco', '--out', tmp_path / 'out']
    assert command('predict', tiny_config, trained, picture, *words)[0] == 0
    wanted = json.loads((tmp_path / 'out' / 'predictions.json').read_text())
    text = bench.coco_json(number, 0.2, tiles)
    given = json.loads(text)
    assert len(wanted['annotations']) > 0
    for part in ('images', 'annotations', 'categories'):
        assert given[part] == wanted[part]
    assert 'weights.pth' in text
    assert '/' not in given['info']['weights']


def test_the_answer_of_the_page(bench, number, shelf):
    dropped = json.dumps(dict(id=number))
    html, address = answer(bench, dropped, 0.0, TILED, 40, 8)
    shown = bench.find(number, Tiles(40, 8))
    assert f'data-count="{len(shown.record.scores)}"' in html
    assert "from P2'" in html
    assert address == f'predictions/{number}.json?score=0.0&tile=40&overlap=8'
    assert answer(bench, '', 0.3, TILED, 40, 8) == ('', '')
    for told, settings, said in (
        (dict(error='a<b> is too large'), (40, 8), 'a&lt;b&gt; is too large'),
        (dict(id='unknown'), (40, 8), 'no longer here'),
        (dict(id=number), (40, 40), 'the overlap of tiles must be from 0'),
    ):
        html, address = answer(bench, json.dumps(told), 0.3, TILED, *settings)
        assert said in html
        assert address == ''


def test_a_broken_picture_is_named_without_its_folder(bench, shelf, tiny_coco):
    content = (tiny_coco / 'images' / '0.png').read_bytes()
    number = put(shelf, content[:200], '/secret/place/cut.png')
    with pytest.raises(UserError, match=r'cut\.png cannot be read') as caught:
        bench.find(number)
    assert str(shelf._folder) not in str(caught.value)
    assert 'secret' not in str(caught.value)


def test_without_a_rule_nothing_is_marked(bench, number):
    from dataclasses import replace

    html = viewer_html(replace(bench.find(number), rule=None, from_p2_prime=()))
    assert "P2'" not in html
    assert 'P2&#' not in html
    assert 'class="coarse"' not in html


@pytest.mark.parametrize(
    'path',
    [
        '/gradio_api/file=/etc/passwd',
        '/file=/etc/passwd',
        '/gradio_api/upload',
        '/gradio_api/proxy=http://a.org',
        '/docs',
        '/gradio_api/component_server',
        '/gradio_api/stream/1',
        '/shown/a/b/c',
        '/monitoring/a',
    ],
)
def test_shut_routes(path):
    assert OPEN.fullmatch(path) is None


def test_mistakes_of_the_command(tiny_config, trained, command, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, 'gradio', None)
    code, _, error = command('app', tiny_config, trained)
    assert code == 2
    assert "pip install 'mmdet-efpn[app]'" in error
