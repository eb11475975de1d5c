"""``python -m mmdet_efpn COMMAND ...``, the same as ``mmdet-efpn COMMAND ...``."""

import sys

from .cli.main import main

sys.exit(main())
