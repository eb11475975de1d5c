"""``python -m mmdet_efpn.plugin``, the former name of ``mmdet-efpn extend``."""

import sys

from ..cli.main import main

sys.exit(main(['extend', *sys.argv[1:]]))
