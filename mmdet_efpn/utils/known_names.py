"""Unknown names of arguments: an error with the nearest known name."""

import ast
import difflib
import functools
import inspect
import textwrap
from collections.abc import Iterable

from .errors import UserError


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely stands for; ``None`` if none is close."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return close[0] if close else None


def argument_default(cls: type, name: str):
    """The default of a constructor's argument, from the class or its nearest parent; or ``None``."""
    for base in cls.__mro__:
        parameter = inspect.signature(base.__init__).parameters.get(name)  # type: ignore[misc]
        if parameter is not None and parameter.default is not inspect.Parameter.empty:
            return parameter.default
    return None


@functools.cache
def argument_names(cls: type) -> frozenset[str] | None:
    """Names of the arguments that a class's constructor takes.

    Where a constructor hands its ``**kwargs`` to ``super().__init__``, the next class's names count too,
    and so on up the MRO.

    Args:
        cls: Any class.

    Returns:
        The names, without ``self``. ``None``: any name is taken, or may be, because ``**kwargs`` go
        elsewhere.
    """
    names: set[str] = set()
    for base in cls.__mro__:
        init = vars(base).get('__init__')
        if init is None:
            continue
        if base is object:
            break
        try:
            parameters = list(inspect.signature(init).parameters.values())[1:]  # without self
        except (TypeError, ValueError):
            return None  # a constructor in C
        rest = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)
        names |= {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
        if rest is None:
            break
        read = _handed_up(init, rest)
        if read is None:
            return None
        names |= read
    return frozenset(names)


def _handed_up(init, rest: str) -> set[str] | None:
    """Names that a constructor reads from its ``**kwargs`` itself.

    ``None``: it does not hand the others to another constructor, or its source is not there.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(init)))
    except (OSError, SyntaxError, TypeError):
        return None
    handed_up = False
    read: set[str] = set()
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Attribute):
            continue
        owner, method = call.func.value, call.func.attr
        if method == '__init__':
            handed_up |= any(k.arg is None and _is_name(k.value, rest) for k in call.keywords)
        elif method in ('get', 'pop', 'setdefault') and _is_name(owner, rest) and call.args:
            name = call.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                read.add(name.value)
    return read if handed_up else None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def unknown_argument(owner: str, name: str, known: Iterable[str], key: str | None = None) -> UserError:
    """The error for one unknown argument.

    Args:
        owner: What has no such argument, for example a class's name.
        name: The unknown name.
        known: The names that there are.
        key: Config key of ``owner``, for example ``'neck.ftt'``; the message then begins with the
            whole key.
    """
    known = sorted(known)
    close = nearest(name, known)
    return UserError(
        (f'{key}.{name}: ' if key else '')
        + f'{owner} has no argument {name!r}; '
        + (f'did you mean {close!r}? ' if close else '')
        + (f'It takes {", ".join(known)}' if known else 'It takes no arguments')
    )


def check_arguments(cls: type, given: Iterable[str], key: str | None = None) -> None:
    """Checks that a class's constructor takes all given names.

    Args:
        cls: The class.
        given: Names of keyword arguments; ``type``, which a registry reads, is not one.
        key: Their config key, as in :func:`unknown_argument`.

    Raises:
        UserError: The constructor does not take one of them; the message has the nearest name.
    """
    known = argument_names(cls)
    if known is None:
        return
    for name in given:
        if name not in known:
            raise unknown_argument(cls.__name__, name, known, key)


def known_arguments_only(cls: type) -> type:
    """Class decorator: an unknown keyword argument raises a :class:`UserError` with the nearest name."""
    init = cls.__init__  # type: ignore[misc]

    @functools.wraps(init)
    def checked_init(self, *args, **kwargs):
        check_arguments(cls, kwargs)
        init(self, *args, **kwargs)

    cls.__init__ = checked_init  # type: ignore[misc]
    return cls
