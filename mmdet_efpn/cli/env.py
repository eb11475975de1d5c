"""Print versions and devices, for a bug report.

Says which required packages are missing or of a version that does not work, and which optional ones are
missing and what they are for.
"""

import argparse

REGISTERS = False  # it must work where the package itself cannot
OPTIONAL = {
    'faster-coco-eval': 'faster COCO evaluation in the onedl fork of mmdet',
    'scikit-learn': 'PAA',
    'rasterio': 'predict: GeoJSON, windows of huge pictures',
    'sahi': 'predict --merge sahi',
    'tifffile': 'predict: windows of tiled TIFF files',
    'tensorboard': "MMEngine's TensorboardVisBackend",
    'openmim': 'the mim command (originals)',
    'onedl-mim': 'the mim command (forks)',
}
LIBRARIES = ('torchvision', 'timm', 'pycocotools', 'numpy', 'opencv-python', 'opencv-python-headless')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``mmdet-efpn env`` takes no arguments."""


def run(args: argparse.Namespace) -> None:
    """Prints the report."""
    import platform
    from importlib import metadata

    from .. import __version__
    from ..utils import compatibility

    def version(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return 'not installed'

    print(f'mmdet-efpn {__version__}')
    print(f'system {platform.platform()}')
    print(compatibility.summary())
    for name in LIBRARIES:
        print(f'{name} {version(name)}')
    for line in _devices():
        print(line)
    missing = {name: use for name, use in OPTIONAL.items() if version(name) == 'not installed'}
    print('optional and missing: ' + (', '.join(f'{n} ({use})' for n, use in missing.items()) or 'none'))
    problems = compatibility.find_problems()
    print('problems: ' + ('none' if not problems else ''))
    for problem in problems:
        print(f'- {problem}')
    if warning := compatibility.checkpoint_warning():
        print(f'warning: {warning}')


def _devices() -> list[str]:
    """CPU cores, memory, and what torch and mmcv can use."""
    import os

    lines = [f'CPU cores {os.cpu_count()}']
    try:
        import torch
    except Exception as error:
        # A broken torch may fail in many ways; the report must say so and go on.
        return [*lines, f'torch does not import: {error}']
    lines[0] += f', torch threads {torch.get_num_threads()}'
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            memory = torch.cuda.get_device_properties(index).total_memory / 2**30
            lines.append(f'GPU {index}: {torch.cuda.get_device_name(index)}, {memory:.0f} GiB')
        lines.append(f'CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}')
    else:
        lines.append(f'no GPU that torch can use (torch is built for CUDA {torch.version.cuda})')
    try:
        from mmcv.ops import nms

        del nms
        lines.append('mmcv operators: import')
    except Exception as error:
        lines.append(f'mmcv operators: do not import: {error}')
    return lines
