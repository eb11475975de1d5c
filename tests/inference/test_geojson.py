"""GeoTIFF in, GeoJSON out."""

import itertools
import json

import numpy as np
import pytest

from mmdet_efpn.inference import Record
from mmdet_efpn.inference.tiling import geo_reference
from mmdet_efpn.inference.writers import Settings, make_writers
from mmdet_efpn.utils.errors import UserError

rasterio = pytest.importorskip('rasterio')


def geotiff(path, system, left, top, metres):
    transform = rasterio.transform.from_origin(left, top, metres, metres)
    options = dict(driver='GTiff', width=80, height=60, count=3, dtype='uint8', crs=system)
    with rasterio.open(path, 'w', transform=transform, **options) as file:
        file.write(np.zeros((3, 60, 80), np.uint8))
    return str(path)


def test_a_pixels_place_on_the_earth(tmp_path):
    """The middle of UTM zone 33 at the equator is 15 degrees east; a degree is 110574 m high."""
    path = geotiff(tmp_path / 'utm.tif', 'EPSG:32633', 500_000, 1000, 10)
    (lon, lat), (_, north) = geo_reference(path).to_degrees(np.array([[0.0, 100.0], [0.0, 0.0]]))
    assert (lon, lat) == (pytest.approx(15, abs=1e-9), pytest.approx(0, abs=1e-9))
    assert north == pytest.approx(1000 / 110574 / 0.9996, rel=1e-3)


def test_a_polygon_for_each_object(tmp_path):
    path = geotiff(tmp_path / 'a.tif', 'EPSG:4326', 8.0, 50.0, 0.001)
    (writer,) = make_writers(['geojson'], Settings(tmp_path / 'out', ('square', 'bar'), []))
    writer.check([path])
    record = Record('a.tif', 'a', path, None, 80, 60, [1], [0.75], [[10.0, 20.0, 30.0, 25.0]])
    (tmp_path / 'out').mkdir()
    writer.write_all([record])
    content = json.loads(writer.path.read_text())
    (feature,) = content['features']
    assert content['type'] == 'FeatureCollection'
    assert feature['properties'] == {
        'class': 'bar',
        'score': 0.75,
        'picture': 'a.tif',
        'bbox': [10.0, 20.0, 30.0, 25.0],
    }
    (ring,) = feature['geometry']['coordinates']
    wanted = [[8.01, 49.975], [8.03, 49.975], [8.03, 49.98], [8.01, 49.98], [8.01, 49.975]]
    np.testing.assert_allclose(ring, wanted, atol=1e-9)
    area = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in itertools.pairwise(ring))
    assert area > 0  # against the clock, as RFC 7946 wants an outer ring


def test_a_picture_without_coordinates_is_refused(tmp_path):
    options = dict(driver='GTiff', width=8, height=8, count=1, dtype='uint8')
    with rasterio.open(tmp_path / 'plain.tif', 'w', **options) as file:
        file.write(np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(UserError, match='has no coordinates of the earth'):
        geo_reference(str(tmp_path / 'plain.tif'))
    (tmp_path / 'bad.tif').write_text('none')
    with pytest.raises(UserError, match='cannot be read by rasterio'):
        geo_reference(str(tmp_path / 'bad.tif'))
