"""Puts the ``.mim`` folder that ``mim`` and mmengine look for into a wheel.

``mim train mmdet_efpn CONFIG`` needs ``.mim/configs`` and ``.mim/tools`` in the installed package.
Wheels get real files. An editable install gets small files of the same names that point at the
checkout, so that an edited config takes effect at once and a new one after installing again.

onedl-mim 0.5.1 takes the first entry of RECORD for the package's folder. pip sorts RECORD, and its
entry of the console script, ``../../../bin/mmdet-efpn``, would come first. So a second ``.mim``, of
pointers, lies in a folder whose name sorts before a dot.
"""

import base64
import hashlib
import os
import zipfile
from pathlib import Path, PurePosixPath

PACKAGE = 'mmdet_efpn'
FIRST = '+mmdet_efpn'  # sorts before '../'
FOR_MIM = ('.py', '.sh', '.yml')
NOT_FOR_MIM = ('tools/environment/', 'tools/setup_env.sh')


def mim_files(root):
    """Yields the checkout-relative posix paths that belong into ``.mim``."""
    if (root / 'model-index.yml').is_file():
        yield 'model-index.yml'  # what ``mim search`` reads; it names the configs' metafiles
    for folder in ('configs', 'tools'):
        for path in sorted((root / folder).rglob('*')):
            name = path.relative_to(root).as_posix()
            if path.suffix in FOR_MIM and '__pycache__' not in name and not name.startswith(NOT_FOR_MIM):
                yield name


def pointer(name, target):
    """Text of a file that stands for ``target``, a path relative to itself or absolute.

    Configs inherit it, Python and shell tools run it. Other files have no pointer: None.
    """
    if name.startswith('configs/') and name.endswith('.py'):
        return f'_base_ = {target!r}\n'
    if name.endswith('.py'):
        return (
            'import os\nimport runpy\nimport sys\n\n'
            f'_target = os.path.normpath(os.path.join(os.path.dirname(__file__), {target!r}))\n'
            'sys.path.insert(0, os.path.dirname(_target))\n'
            'runpy.run_path(_target, run_name=__name__)\n'
        )
    if name.endswith('.sh'):
        return (
            f'#!/usr/bin/env bash\nexec bash "$(cd "$(dirname "$0")" && pwd)/{target}" "$@"\n'
            if not os.path.isabs(target)
            else f'#!/usr/bin/env bash\nexec bash "{target}" "$@"\n'
        )
    return None


def mim_entries(root, editable):
    """Yields (archive name, bytes) of everything under the two ``.mim`` folders."""
    for name in mim_files(root):
        packaged = f'{PACKAGE}/.mim/{name}'
        original = (root / name).read_bytes()
        if editable:
            text = pointer(name, (root / name).as_posix())
            yield packaged, original if text is None else text.encode()
        else:
            yield packaged, original
        beside = f'{FIRST}/.mim/{name}'
        up = '../' * len(PurePosixPath(beside).parent.parts)
        text = pointer(name, up + packaged)
        yield beside, original if text is None else text.encode()


def add_mim(wheel, editable):
    """Rewrites ``wheel`` with the ``.mim`` folders in it and in its RECORD."""
    root = Path.cwd()
    with_mim = wheel.with_suffix('.tmp')
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(with_mim, 'w', zipfile.ZIP_DEFLATED) as new:
        record_name = next(n for n in old.namelist() if n.endswith('.dist-info/RECORD'))
        record = old.read(record_name).decode()
        for entry in old.infolist():
            if entry.filename != record_name:
                new.writestr(entry, old.read(entry))
        for name, content in mim_entries(root, editable):
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            record += f'{name},sha256={digest.rstrip(b"=").decode()},{len(content)}\n'
            new.writestr(name, content)
        new.writestr(record_name, record)
    os.replace(with_mim, wheel)
