"""``mmdet-efpn``: finds the command, reads its arguments, runs it and prints its errors."""

import argparse
import contextlib
import importlib
import io
import os
import sys
import warnings
from typing import NoReturn

from .. import __version__
from ..utils.command_line import PROGRAM
from ..utils.errors import UserError
from ..utils.known_names import nearest
from .options import with_amp_settled

# Threads that wait by spinning slow a small machine down, where the data loader needs the same cores.
# OpenMP reads this when torch is imported.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

COMMANDS = {
    'extend': "write a config whose detector has the stride-2 level P2'",
    'extend-weights': "rewrite a plain detector's checkpoint for its extended config",
    'convert': 'convert a data set to COCO format, or make the built-in one',
    'browse': 'draw the annotations of a data set',
    'inspect': "tell before a training whether P2' is for your data, and which settings fit",
    'train': 'train a detector',
    'test': 'test a trained detector',
    'recipe': 'train in several stages, or train several designs to compare',
    'predict': 'find objects in pictures, folders, videos and huge scenes',
    'app': 'look at detections in the browser: drop a picture, zoom, move the score',
    'pack': 'put config and weights into one file',
    'export': 'write a detector for other runtimes: ONNX, torch.export, TorchScript',
    'draw': 'draw the detections of a trained detector',
    'compare': 'tell whether two detectors differ by more than chance',
    'errors': "count a detector's errors by kind and size, and draw the worst pictures",
    'report': 'write one HTML page about a training: curves, AP, errors, pictures, speed',
    'cost': 'compare what detectors cost: multiply-adds, time, memory',
    'demo': 'train a small detector on the built-in data set, in minutes',
    'env': 'print versions and devices, for a bug report',
}
USER_ERROR = 2  # exit code, as argparse's own


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors take one line and name the nearest option."""

    def error(self, message: str) -> NoReturn:
        """Prints what is wrong and ends with exit code 2."""
        unknown = message.removeprefix('unrecognized arguments: ').split()[0]
        if message.startswith('unrecognized arguments') and unknown.startswith('-'):
            options = [option for action in self._actions for option in action.option_strings]
            if near := nearest(unknown.partition('=')[0], options):
                message += f'; did you mean {near}?'
        print(f'{self.prog}: error: {message} ({self.prog} --help tells more)', file=sys.stderr)
        sys.exit(USER_ERROR)


def help_text() -> str:
    """The list of commands."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f'  {name:{width}}{text}' for name, text in COMMANDS.items()]
    return '\n'.join(
        [
            f'usage: {PROGRAM} COMMAND [arguments ...]',
            '',
            "Small-object detection with MMDetection: the stride-2 pyramid level P2'.",
            '',
            *lines,
            '',
            f'{PROGRAM} COMMAND --help tells what a command takes.',
            f'{PROGRAM} --version prints the version.',
        ]
    )


def command_parser(command: str) -> argparse.ArgumentParser:
    """The parser of one command; its module is imported, torch is not."""
    module = _module(command)
    parser = OneLineParser(
        prog=f'{PROGRAM} {command}',
        description=module.__doc__.strip(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: The command and its arguments. Default: the process's own.

    Returns:
        The exit code: 0; 2 for a mistake of the user, which is printed in one line; what the command
        itself gives.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not argv or argv[0] in ('-h', '--help', 'help'):
        print(help_text())
        return 0 if argv else USER_ERROR
    if argv[0] == '--version':
        print(f'{PROGRAM} {__version__}')
        return 0
    command, *words = argv
    if command not in COMMANDS:
        near = nearest(command, COMMANDS)
        hint = f'did you mean {near}? ' if near else ''
        print(
            f"{PROGRAM}: error: no such command: '{command}' (invalid choice); {hint}"
            f'{PROGRAM} --help lists them',
            file=sys.stderr,
        )
        return USER_ERROR
    parser = command_parser(command)
    return run_command(command, _parse(_module(command), parser, words))


def run_command(command: str, args: argparse.Namespace) -> int:
    """Runs a command whose arguments are read; prints an error of the user in one line."""
    module = _module(command)
    try:
        if getattr(module, 'REGISTERS', True):
            _register()
        return module.run(args) or 0
    except (UserError, OSError, ImportError) as error:
        if args.debug:
            raise
        print(f'{PROGRAM} {command}: error: {_in_one_line(error)}', file=sys.stderr)
        return USER_ERROR


def _register() -> None:
    """Registers the package's modules, without what MMDetection's forks say about optional parts."""
    from .. import register_all_modules

    warnings.filterwarnings('ignore', message='faster_coco_eval is not installed')
    with contextlib.redirect_stdout(io.StringIO()) as said:
        register_all_modules()
    for line in said.getvalue().splitlines():
        if not line.startswith('Could not import OneDL'):
            print(line)


def _parse(module, parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    parse = getattr(module, 'parse', argparse.ArgumentParser.parse_args)
    return parse(parser, with_amp_settled(words))


def _module(command: str):
    return importlib.import_module(f'.{command.replace("-", "_")}', __package__)


def _in_one_line(error: Exception) -> str:
    text = str(error)
    if 'Original Traceback' in text:  # of a data loader's process: its last line is the error
        text = text.strip().splitlines()[-1]
    if isinstance(error, ImportError) and not isinstance(error, UserError):
        return text  # the version gate's own lines
    text = ' '.join(line.strip() for line in text.splitlines() if line.strip())
    return text if isinstance(error, UserError) else f'{text} (--debug shows where)'
