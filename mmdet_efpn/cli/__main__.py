"""``python -m mmdet_efpn.cli COMMAND ...``, the same as ``mmdet-efpn COMMAND ...``."""

import sys

from .main import main

sys.exit(main())
