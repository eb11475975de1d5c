"""Arguments that several commands share."""

import argparse
import re
from pathlib import Path

from ..utils.amp_types import AMP_TYPES, AUTO

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')


class KeyValues(argparse.Action):
    """Collects ``KEY=VALUE`` words; what the values mean is read later, where MMEngine is imported."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        """Adds the words to those of an earlier use of the option."""
        for word in values:
            if not word.partition('=')[1]:
                parser.error(f'{option_string}: expected KEY=VALUE, got {word}')
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), *values])


def with_amp_settled(words: list[str]) -> list[str]:
    """Words of a command line, ``--amp`` joined to its value, so that a config after it is none."""
    settled, rest = [], list(words)
    while rest:
        word = rest.pop(0)
        if word == '--amp' and rest:
            if rest[0] in (*AMP_TYPES, AUTO):
                word = f'--amp={rest.pop(0)}'
            elif not rest[0].startswith('-') and re.search(r'[./:]', rest[0]):
                word = f'--amp={AUTO}'
        settled.append(word)
    return settled


def add_cfg_options(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Adds ``--cfg-options KEY=VALUE ...``."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=KeyValues, metavar='KEY=VALUE', default=[], help=help_text
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that training and testing share, under MMDetection's names."""
    parser.add_argument(
        '--work-dir',
        metavar='DIR',
        help="folder for logs, checkpoints and results (default: the config's work_dir, "
        'else work_dirs/CONFIG_NAME)',
    )
    add_cfg_options(
        parser,
        'changes to the config, such as train_dataloader.batch_size=4; +KEY=VALUE adds a key that the '
        'config does not have',
    )
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='how the processes of a run are started (default: one process)',
    )
    # torch.distributed.launch passes this; torchrun and Slurm use the environment instead.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_overwrite(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds ``--overwrite``."""
    parser.add_argument('--overwrite', action='store_true', help=f'replace {what} if it exists')


def positive(text: str) -> int:
    """A whole number from 1, as an argument's type."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f'must be a whole number from 1, got {text}')
    return number


def image_size(text: str) -> tuple[int, int]:
    """``'800x1344'`` as (height, width), as an argument's type."""
    match = re.fullmatch(r'([1-9]\d*)x([1-9]\d*)', text)
    if match is None:
        raise argparse.ArgumentTypeError(f'a size is HEIGHTxWIDTH, such as 800x1344, not {text}')
    return int(match[1]), int(match[2])


def add_sizes(parser: argparse.ArgumentParser, default: tuple[int, int], what: str) -> None:
    """Adds ``--sizes HxW ...``; ``what`` says of what."""
    parser.add_argument(
        '--sizes',
        nargs='+',
        type=image_size,
        default=[default],
        metavar='HxW',
        help=f'{what}, height x width (default: {default[0]}x{default[1]})',
    )


def add_measuring_arguments(parser: argparse.ArgumentParser, repeats: int = 5) -> None:
    """Adds what commands that measure have in common: rounds, device, precision, a file of figures."""
    parser.add_argument(
        '--repeats', type=positive, default=repeats, help='timed rounds (default: %(default)s)'
    )
    parser.add_argument('--device', help='where to measure (default: a GPU where there is one)')
    parser.add_argument(
        '--amp',
        nargs='?',
        const=AMP_TYPES[0],
        type=lambda text: AMP_TYPES[0] if text == AUTO else text,
        choices=AMP_TYPES,
        help='run under autocast in this type (default, without a value: bfloat16)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the figures here')


def add_imports(parser: argparse.ArgumentParser) -> None:
    """Adds ``--import MODULE ...``, which a packed model of a user's own modules needs."""
    parser.add_argument(
        '--import',
        dest='imports',
        nargs='+',
        metavar='MODULE',
        default=[],
        help='import these first: what registers the modules of a packed model',
    )
