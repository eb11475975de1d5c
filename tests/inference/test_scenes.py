"""Huge pictures: windows of files, and whole predictions of tiles by a detector that finds squares."""

import sys
import tracemalloc

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from mmdet_efpn.inference import Predictor, Tiles, find_sources
from mmdet_efpn.inference.reading import Unreadable
from mmdet_efpn.inference.tiling import open_scene
from mmdet_efpn.inference.tiling.windows import RasterioScene, TiffScene, to_bgr
from mmdet_efpn.utils.errors import UserError

SQUARES = [
    (3, 5, 13, 15),
    (95, 40, 105, 50),
    (60, 88, 100, 128),
    (180, 150, 196, 166),
    (10, 190, 150, 199),
]
WIDTH, HEIGHT = 230, 200


def squares_in(pixels):
    """What a detector of bright squares finds in (3, h, w) pixels."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((pixels[0] > 128).astype(np.uint8))
    boxes = [[x, y, x + w, y + h] for x, y, w, h, _ in stats[1:].tolist()]
    return np.array(boxes, dtype=np.float32).reshape(-1, 4)


class SquareFinder(Predictor):
    """A predictor whose detector finds bright squares, exactly."""

    batches: list

    def forward(self, inputs, **kwargs):
        self.batches.append(len(inputs['inputs']))
        samples = []
        for pixels, sample in zip(inputs['inputs'], inputs['data_samples'], strict=True):
            boxes = torch.from_numpy(squares_in(pixels.numpy()))
            found = DetDataSample(metainfo=sample.metainfo)
            found.pred_instances = InstanceData(
                bboxes=boxes,
                scores=torch.full((len(boxes),), 0.9),
                labels=torch.zeros(len(boxes)).long(),
            )
            samples.append(found)
        return samples


@pytest.fixture(scope='module')
def finder(whole_pixels_config, trained):
    predictor = SquareFinder(whole_pixels_config, trained, 'cpu', show_progress=False)
    predictor.batches = []
    return predictor


@pytest.fixture(scope='module')
def scene():
    """(h, w, 3) BGR: squares of 220, 200 and 180 on noise below 100."""
    pixels = np.random.default_rng(0).integers(0, 100, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for x1, y1, x2, y2 in SQUARES:
        pixels[y1:y2, x1:x2] = (220, 200, 180)
    return pixels


def found_boxes(answer):
    (one,) = answer['predictions']
    return sorted(tuple(map(round, box)) for box in one['bboxes'])


def test_tiles_give_the_scenes_boxes_in_batches(finder, scene, tmp_path):
    cv2.imwrite(str(tmp_path / 'scene.png'), scene)
    finder.batches.clear()
    answer = finder(str(tmp_path / 'scene.png'), tiles=Tiles(64, 20), batch_size=6, return_vis=True)
    assert found_boxes(answer) == sorted(SQUARES)
    amount = len(Tiles(64, 20).windows(WIDTH, HEIGHT))
    assert sum(finder.batches) == amount > 16
    assert max(finder.batches) == 6
    assert len(finder.batches) == -(-amount // 6)
    assert answer['visualization'][0].shape == scene.shape
    assert found_boxes(finder(scene, tiles=Tiles(64, 20), batch_size=4)) == sorted(SQUARES)


def test_tiles_of_several_pictures_share_batches(finder, scene, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f'{number}.png'), np.roll(scene, 7 * number, axis=1))
    (tmp_path / 'bad.png').write_text('no picture')
    finder.batches.clear()
    done = list(finder.stream(8, 2, Tiles(100, 20)).run(find_sources(str(tmp_path))))
    bad = [one for one in done if isinstance(one, Unreadable)]
    assert [one.item.name for one in bad] == ['bad.png']
    assert sorted(one.item.name for one in done if one not in bad) == ['0.png', '1.png', '2.png']
    assert all(len(one.sample.pred_instances) >= len(SQUARES) for one in done if one not in bad)
    assert finder.batches == [8, 8, 8, 3]  # 27 tiles


def test_without_tiles_the_whole_picture_gives_the_same(finder, scene):
    assert found_boxes(finder(scene)) == sorted(SQUARES)


@pytest.fixture(scope='module')
def tiff_files(scene, tmp_path_factory):
    """TIFF files of one scene: tiled, in strips, compressed, grey, 16 bits; and their BGR."""
    tifffile = pytest.importorskip('tifffile')
    folder = tmp_path_factory.mktemp('tiff')
    rgb, grey = scene[..., ::-1], scene[..., 1]
    files = {
        'tiled': (rgb, dict(tile=(64, 48), photometric='rgb'), scene),
        'zlib': (rgb, dict(tile=(32, 32), photometric='rgb', compression='zlib'), scene),
        'strips': (rgb, dict(rowsperstrip=7, photometric='rgb'), scene),
        'grey': (grey, dict(tile=(64, 64), photometric='minisblack'), np.stack([grey] * 3, axis=-1)),
        'deep': (rgb.astype(np.uint16) * 256 + 3, dict(tile=(64, 64), photometric='rgb'), scene),
        'alpha': (
            np.dstack([rgb, np.full((HEIGHT, WIDTH), 9, np.uint8)]),
            dict(tile=(64, 64), photometric='rgb', extrasamples=['unassalpha']),
            scene,
        ),
    }
    paths = {}
    for name, (pixels, options, wanted) in files.items():
        tifffile.imwrite(folder / f'{name}.tif', pixels, **options)
        paths[name] = folder / f'{name}.tif', wanted
    return paths


def no_rasterio(monkeypatch):
    monkeypatch.setitem(sys.modules, 'rasterio', None)


@pytest.mark.parametrize('name', ['tiled', 'zlib', 'strips', 'grey', 'deep', 'alpha'])
@pytest.mark.parametrize('package', ['tifffile', 'rasterio'])
def test_windows_of_tiff_files(tiff_files, name, package, monkeypatch):
    pytest.importorskip(package)
    if package == 'tifffile':
        no_rasterio(monkeypatch)
    path, wanted = tiff_files[name]
    scene = open_scene(str(path), lambda: pytest.fail('read whole'))
    assert isinstance(scene, TiffScene if package == 'tifffile' else RasterioScene)
    assert (scene.width, scene.height) == (WIDTH, HEIGHT)
    for window in Tiles(90, 17).windows(WIDTH, HEIGHT):
        x1, y1, x2, y2 = window
        np.testing.assert_array_equal(scene.read(window), wanted[y1:y2, x1:x2])
    assert scene.small(120).shape == (HEIGHT // 2, WIDTH // 2, 3)


def test_a_tiff_of_two_planes_is_read_whole(scene, tmp_path, finder, monkeypatch):
    tifffile = pytest.importorskip('tifffile')
    no_rasterio(monkeypatch)
    planes = np.ascontiguousarray(scene[..., ::-1].transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / 'planes.tif', planes, photometric='rgb', planarconfig='separate')
    assert found_boxes(finder(str(tmp_path / 'planes.tif'), tiles=Tiles(64, 20))) == sorted(SQUARES)


def test_only_some_tiles_of_a_tiff_are_in_memory(finder, tmp_path, monkeypatch):
    tifffile = pytest.importorskip('tifffile')
    no_rasterio(monkeypatch)
    side, path = 6000, tmp_path / 'big.tif'
    squares = [(n, n + 20, n + 12, n + 32) for n in range(100, 5900, 331)]
    pixels = np.zeros((side, side, 3), np.uint8)
    for x1, y1, x2, y2 in squares:
        pixels[y1:y2, x1:x2] = 255
    tifffile.imwrite(path, pixels, tile=(256, 256), photometric='rgb', compression='zlib')
    whole = pixels.nbytes
    del pixels
    tracemalloc.start()
    answer = finder(str(path), tiles=Tiles(512, 64), batch_size=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found_boxes(answer) == sorted(squares)
    assert peak < whole / 3


def test_a_format_without_its_package_says_which(finder, tmp_path, monkeypatch):
    no_rasterio(monkeypatch)
    (tmp_path / 'a.jp2').write_bytes(b'')
    with pytest.raises(
        UserError, match=r"needs the package rasterio: pip install 'mmdet-efpn\[infer\]'"
    ):
        finder(str(tmp_path / 'a.jp2'), tiles=Tiles(64, 8))


def test_floats_are_refused():
    with pytest.raises(UserError, match='its pixels are float32'):
        to_bgr(np.zeros((2, 2, 3), np.float32))


def test_a_damaged_tiff_is_unreadable(finder, tmp_path):
    (tmp_path / 'bad.tif').write_bytes(b'II*\0no tiff at all')
    (one,) = finder.stream(1, 0, Tiles(64, 8)).run(find_sources(str(tmp_path / 'bad.tif')))
    assert isinstance(one, Unreadable)
