"""Whether this process was started as the package's own command line."""

import multiprocessing
import sys
from pathlib import Path

PROGRAM = 'mmdet-efpn'
_MODULES = ('mmdet_efpn', 'mmdet_efpn.cli')


def is_command_line() -> bool:
    """Whether this is ``mmdet-efpn``, ``python -m mmdet_efpn`` or a script of ``tools/``.

    The scripts of ``tools/`` give themselves the program's name. Child processes, such as those of a
    data loader, are none.
    """
    if multiprocessing.parent_process() is not None:
        return False
    if Path(sys.argv[0]).stem == PROGRAM:
        return True
    words = sys.orig_argv
    return sys.argv[0] == '-m' and '-m' in words and words[words.index('-m') + 1] in _MODULES
