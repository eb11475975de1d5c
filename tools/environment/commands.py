"""Runs commands for the set-up: output goes to a log, failures become one sentence."""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

GIB = 2**30
held_locks = []  # file descriptors; commands inherit them, see locked()
STATUS_SECONDS = 15  # how often a changing status is printed where there is no terminal

DISK_SIGNS = ('No space left on device', 'Disk quota exceeded')
NETWORK_SIGNS = (
    'Temporary failure in name resolution',
    'Name or service not known',
    'Connection refused',
    'ConnectTimeoutError',
    'ReadTimeoutError',
    'NewConnectionError',
    'Max retries exceeded',
    'Network is unreachable',
    'ProxyError',
    'SSLError',
    'NameResolutionError',
)
INDEX_SIGNS = ('No matching distribution found', 'Could not find a version that satisfies')
COMPILER_SIGNS = (
    'Python.h: No such file',
    "command 'c++' failed: No such file",
    "error: command 'gcc' failed",
    "command 'g++' failed: No such file",
)


class SetupError(Exception):
    """A failure whose message is the one sentence that the user needs."""


def say(text):
    """Prints one line of the set-up at once."""
    print(f'set-up: {text}', flush=True)


class Status:
    """One changing line: redrawn on a terminal, printed now and then elsewhere."""

    def __init__(self, stream=None, clock=time.monotonic):
        self.stream = stream or sys.stdout
        self.clock = clock
        self.printed_at = clock()
        self.drawn = False

    def show(self, text):
        if self.stream.isatty():
            self.stream.write(f'\r\033[Kset-up:   {text[:100]}')
            self.drawn = True
        elif self.clock() - self.printed_at < STATUS_SECONDS:
            return
        else:
            self.stream.write(f'set-up:   {text}\n')
            self.printed_at = self.clock()
        self.stream.flush()

    def close(self):
        if self.drawn:
            self.stream.write('\r\033[K')
            self.stream.flush()


def explain(output, doing):
    """Turns a failed command's output into one sentence; ``doing`` names the step."""
    if any(sign in output for sign in DISK_SIGNS):
        return f'the disk is full ({doing}): free some space and run the same command again'
    if any(sign in output for sign in COMPILER_SIGNS):
        return (
            f'the C++ compiler or the Python headers do not work ({doing}): install a C++ '
            'compiler and the python3-dev package that belongs to this Python'
        )
    if any(sign in output for sign in NETWORK_SIGNS):
        return (
            f'the package index cannot be reached ({doing}): check the network or the index '
            'that pip is configured with, and run the same command again'
        )
    if any(sign in output for sign in INDEX_SIGNS):
        return (
            f'the package index does not have a pinned version ({doing}): see the log, and '
            'check the index that pip is configured with'
        )
    return f'a step failed ({doing})'


def run_logged(command, log, doing, on_line=None, env=None, cwd=None):
    """Runs ``command``, appends its output to the file ``log``, gives each line to ``on_line``.

    Raises:
        SetupError: the command failed; names the log, after its last lines were printed.
    """
    env = dict(os.environ if env is None else env)
    env.update(
        PIP_DISABLE_PIP_VERSION_CHECK='1',
        PIP_NO_INPUT='1',
        PYTHONUNBUFFERED='1',
        PYTHONDONTWRITEBYTECODE='',
    )
    lines = []
    with open(log, 'a', encoding='utf-8', errors='replace') as sink:
        sink.write(f'$ {" ".join(map(str, command))}\n')
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            cwd=cwd,
            text=True,
            errors='replace',
            pass_fds=held_locks,
        )
        try:
            for line in process.stdout:
                write_or_explain(sink, line, doing)
                lines.append(line.rstrip())
                if on_line:
                    on_line(line)
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
    if code != 0:
        for line in lines[-15:]:
            print(f'    {line[:200]}', file=sys.stderr)
        sentence = explain('\n'.join(lines[-400:]), doing)
        raise SetupError(f'{sentence}; the log is {log}')


def write_or_explain(sink, line, doing):
    """Writes a line of the log; a full disk is said in a sentence, not in a traceback."""
    try:
        sink.write(line)
        sink.flush()
    except OSError as error:
        raise SetupError(f'{explain(str(error), doing)}') from error


def check_free_disk(folder, gib, doing):
    """Raises SetupError if less than ``gib`` GiB are free where ``folder`` lies."""
    folder = Path(folder)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIB
    if free < gib:
        raise SetupError(
            f'{doing} needs about {gib:g} GB, but only {free:.1f} GB of disk are free '
            f'under {folder}: free some space and run the same command again'
        )


@contextmanager
def locked(path, waiting_for):
    """Holds an exclusive lock on ``path``; says once what it waits for if another process has it.

    The system drops the lock when this process and the commands it started have ended, however they
    end: a build that outlives a killed set-up still keeps others off.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w') as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f'another set-up is at work on {waiting_for}; waiting for it')
            fcntl.flock(handle, fcntl.LOCK_EX)
        held_locks.append(handle.fileno())
        try:
            yield
        finally:
            held_locks.remove(handle.fileno())
