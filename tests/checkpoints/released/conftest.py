"""Pictures that the released program and ours look at."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope='session')
def pictures(tmp_path_factory):
    """Three pictures: one of even size, an odd-sized one, and one whose long side sets the scale."""
    folder, paths = tmp_path_factory.mktemp('pictures'), []
    rng = np.random.default_rng(3)
    for number, (height, width) in enumerate(((150, 200), (131, 177), (60, 190))):
        coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3))
        smooth = Image.fromarray(coarse.astype(np.uint8)).resize((width, height), Image.BILINEAR)
        noise = rng.integers(-30, 31, (height, width, 3))
        pixels = np.clip(np.asarray(smooth).astype(int) + noise, 0, 255).astype(np.uint8)
        paths.append(folder / f'{number}.png')
        Image.fromarray(pixels).save(paths[-1])
    return paths
