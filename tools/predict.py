"""The same as ``mmdet-efpn predict``, for the launch scripts beside it."""

import sys

# Before the import: by this name the package knows its own command line, and imports torch late.
sys.argv[:1] = ['mmdet-efpn', 'predict']

from mmdet_efpn.cli.main import main  # noqa: E402

sys.exit(main())
