"""Windows of a picture file, without reading the rest where the format lets us."""

import contextlib
import importlib
import math
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import cv2
import numpy as np

from ...utils.errors import UserError
from ...utils.optional_packages import import_optional

Window = tuple[int, int, int, int]
TIFF_SUFFIXES = ('.tif', '.tiff')
ONLY_RASTERIO = ('.jp2', '.vrt')
LARGEST_COPY = 4096  # pixels of the longer side of a scene's smaller copy


class Scene:
    """A picture in memory, of which windows are read.

    Args:
        array: (h, w, 3) uint8 BGR, or what the config's loader gives.

    Attributes:
        width, height: In pixels.
    """

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.height, self.width = array.shape[:2]

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window ``x1, y1, x2, y2``, (h, w, 3) uint8 BGR."""
        x1, y1, x2, y2 = window
        return self._array[y1:y2, x1:x2]

    def small(self, longest: int = LARGEST_COPY) -> np.ndarray:
        """A copy whose longer side has at most so many pixels; read strip by strip."""
        factor = math.ceil(max(self.width, self.height) / longest)
        rows = factor * max(1, 1024 // factor)
        strips = []
        for top in range(0, self.height, rows):
            strip = self.read((0, top, self.width, min(top + rows, self.height)))
            size = max(1, self.width // factor), max(1, strip.shape[0] // factor)
            strips.append(cv2.resize(strip, size, interpolation=cv2.INTER_AREA) if factor > 1 else strip)
        return np.concatenate(strips)


class RasterioScene(Scene):
    """A file that GDAL reads; opened anew for each window, for GDAL's files are of one thread."""

    def __init__(self, path: str, rasterio: ModuleType) -> None:
        self._path, self._rasterio = path, rasterio
        warnings.filterwarnings('ignore', category=rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            self.width, self.height = file.width, file.height
            self._bands = [1, 2, 3] if file.count >= 3 else [1]
            self._colours = None
            if len(self._bands) == 1 and file.colorinterp[0].name == 'palette':
                self._colours = np.zeros((256, 3), np.uint8)
                for number, colour in file.colormap(1).items():
                    self._colours[number] = colour[:3]

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window, (h, w, 3) uint8 BGR."""
        x1, y1, x2, y2 = window
        part = self._rasterio.windows.Window(x1, y1, x2 - x1, y2 - y1)
        with self._rasterio.open(self._path) as file:
            pixels = file.read(self._bands, window=part).transpose(1, 2, 0)
        return to_bgr(pixels if self._colours is None else self._colours[pixels[..., 0]])


class TiffScene(Scene):
    """A TIFF of tiles or strips, of which ``tifffile`` reads those that a window needs."""

    def __init__(self, path: str, file: Any) -> None:
        self._file, self._page, self._lock = file, file.pages[0], threading.Lock()
        self.width, self.height = self._page.imagewidth, self._page.imagelength

    @staticmethod
    def takes(page: Any) -> bool:
        """Whether a page is one that is read here: colours or greys side by side, upright."""
        names = ('MINISBLACK', 'RGB', 'YCBCR')
        upright = int(page.tags['Orientation'].value) == 1 if 'Orientation' in page.tags else True
        return upright and page.photometric.name in names and int(page.planarconfig) == 1

    def read(self, window: Window) -> np.ndarray:
        """The pixels of a window, (h, w, 3) uint8 BGR."""
        x1, y1, x2, y2 = window
        page = self._page
        height, width = page.chunks[0], page.chunks[1]
        columns = -(-self.width // width)
        pixels = np.zeros((y2 - y1, x2 - x1, page.samplesperpixel), page.dtype)
        for row in range(y1 // height, (y2 - 1) // height + 1):
            for column in range(x1 // width, (x2 - 1) // width + 1):
                tile = self._tile(row * columns + column)
                if tile is None:  # left out of the file: empty
                    continue
                top, left = row * height, column * width
                bottom, right = top + tile.shape[0], left + tile.shape[1]
                rows = slice(max(top, y1), min(bottom, y2))
                cols = slice(max(left, x1), min(right, x2))
                pixels[rows.start - y1 : rows.stop - y1, cols.start - x1 : cols.stop - x1] = tile[
                    rows.start - top : rows.stop - top, cols.start - left : cols.stop - left
                ]
        return to_bgr(pixels)

    def _tile(self, index: int) -> np.ndarray | None:
        page = self._page
        amount = page.databytecounts[index]
        if amount == 0:
            return None
        with self._lock:
            file = self._file.filehandle
            file.seek(page.dataoffsets[index])
            data = file.read(amount)
        tables = page.jpegtables if page.compression == 7 else None
        tile, _, shape = page.decode(data, index, jpegtables=tables)
        return None if tile is None else tile[0, : shape[1], : shape[2]]


def open_scene(path: str, whole: Callable[[], np.ndarray]) -> Scene:
    """A picture file whose windows can be read.

    TIFF files are read by windows with ``rasterio``, or with ``tifffile`` where that is what there is;
    JPEG 2000 and VRT by ``rasterio`` alone. All other files, and TIFF files without either package, are
    read whole.

    Args:
        path: The file.
        whole: Reads all of it, as the config's loader does.

    Raises:
        MissingPackageError: The format needs a package that is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix in ONLY_RASTERIO:
        return RasterioScene(path, import_optional('rasterio', 'infer', f'{suffix} files: reading them'))
    if suffix in TIFF_SUFFIXES:
        rasterio, tifffile = _installed('rasterio'), _installed('tifffile')
        if rasterio is not None:
            return RasterioScene(path, rasterio)
        if tifffile is not None:
            file = tifffile.TiffFile(path)
            if TiffScene.takes(file.pages[0]):
                return TiffScene(path, file)
            file.close()
    return Scene(whole())


class GeoReference(NamedTuple):
    """Where a picture lies: a function from (n, 2) pixels to (n, 2) longitudes and latitudes."""

    to_degrees: Callable[[np.ndarray], np.ndarray]


def geo_reference(path: str) -> GeoReference:
    """Where a picture file lies on the earth (WGS 84), by ``rasterio``.

    Raises:
        MissingPackageError: ``rasterio`` is not installed.
        UserError: The file has no coordinates.
    """
    rasterio = import_optional('rasterio', 'infer', 'GeoJSON')
    warp = import_optional('rasterio.warp', 'infer', 'GeoJSON')
    try:
        with rasterio.open(path) as file:
            transform, system = file.transform, file.crs
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f'{path} cannot be read by rasterio: {error}') from error
    if system is None or transform.is_identity:
        raise UserError(f'{path} has no coordinates of the earth, which GeoJSON needs')

    def to_degrees(pixels: np.ndarray) -> np.ndarray:
        columns, rows = pixels[:, 0], pixels[:, 1]
        xs = transform.a * columns + transform.b * rows + transform.c
        ys = transform.d * columns + transform.e * rows + transform.f
        return np.column_stack(warp.transform(system, 'EPSG:4326', list(xs), list(ys)))

    return GeoReference(to_degrees)


def to_bgr(pixels: np.ndarray) -> np.ndarray:
    """(h, w, bands) as (h, w, 3) uint8 BGR; of 16 bits the upper 8, as MMDetection's loader has them.

    Raises:
        UserError: The pixels are floats, or have more than 16 bits.
    """
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise UserError(f'its pixels are {pixels.dtype}; convert it to 8 or 16 bits')
    if pixels.shape[2] < 3:
        return np.repeat(pixels[..., :1], 3, axis=2)
    return np.ascontiguousarray(pixels[..., 2::-1])


def _installed(name: str) -> ModuleType | None:
    with contextlib.suppress(ImportError):
        return importlib.import_module(name)
    return None
