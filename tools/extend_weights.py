"""A plain checkpoint for the extended twin: ``extend_weights.py CHECKPOINT CONFIG OUT.pth``."""

import argparse
import logging
import sys
from pathlib import Path

from mmdet_efpn.checkpoints.extend_weights import extend_weights


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Rename what a plain detector keeps level by level, so that each level of the '
        'extended detector starts from its own weights.'
    )
    parser.add_argument('checkpoint', help='of the plain detector')
    parser.add_argument('config', help='of the extended detector, as extend_config.py wrote it')
    parser.add_argument('out', help='checkpoint to write; name it in load_from')
    args = parser.parse_args()
    if Path(args.out).exists():
        parser.error(f'{args.out} exists')
    return args


def main() -> None:
    args = parse_args()
    logging.disable(logging.INFO)  # MMEngine lists how every weight is initialised
    try:
        missing = extend_weights(args.checkpoint, args.config, args.out)
    except (OSError, ValueError) as error:
        sys.exit(f'extend_weights.py: error: {error}')
    print('\n'.join(['stay as they are initialised:', *(f'  {name}' for name in missing)]))
    print(f'written: {args.out}')


if __name__ == '__main__':
    main()
