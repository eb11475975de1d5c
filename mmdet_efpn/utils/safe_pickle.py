"""Pickles that are data: an unpickler that knows containers, arrays and tensors, and runs nothing else.

A pickle is a program. This one calls only what an allow-list names; the first other name is an error,
and nothing of the pickle has run by then but the making of such data.
"""

import importlib
import io
import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from .errors import UserError

_BUILTINS = 'bool bytearray bytes complex dict float frozenset int list range set slice str tuple'
_REBUILDERS = (
    '_rebuild_tensor _rebuild_tensor_v2 _rebuild_parameter _rebuild_parameter_with_state '
    '_rebuild_qtensor _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage '
    '_rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor'
)
_ALLOWED = {
    'builtins': _BUILTINS,
    'collections': 'Counter OrderedDict defaultdict deque',
    'numpy': 'dtype ndarray',
    'numpy.core.multiarray': '_reconstruct scalar',
    'numpy.core.numeric': '_frombuffer',
    'torch': 'Size Tensor device',
    'torch._utils': _REBUILDERS,
    'torch._tensor': '_rebuild_from_type_v2',
    'torch.nn.parameter': 'Parameter Buffer',
    'torch.serialization': '_get_layout',
    'torch.storage': 'TypedStorage UntypedStorage _TypedStorage _UntypedStorage',
}


_PurePython: Any = pickle._Unpickler  # the unpickler of Python's own library that is not in C


class UnsafePickleError(UserError):
    """A pickle names something that is no data."""


def encode_latin1(text: str, encoding: str) -> bytes:
    """What old pickles call to write bytes as text."""
    if encoding not in ('latin1', 'latin-1'):
        raise UnsafePickleError(f'the pickle encodes text as {encoding!r}, which no array needs')
    return text.encode('latin1')


@lru_cache
def allowed_names() -> dict[str, Any]:
    """What a pickle of data may name: whole names, and what is called in their place."""
    names: dict[str, Any] = {'_codecs.encode': encode_latin1}
    for module, wanted in _ALLOWED.items():
        # numpy 2 has numpy.core under another name; files of either name are read by either numpy.
        for actual in (module.replace('numpy.core', 'numpy._core'), module):
            try:
                home = importlib.import_module(actual)
            except ImportError:
                continue
            for name in wanted.split():
                if hasattr(home, name):
                    for alias in (module, module.replace('numpy.core', 'numpy._core')):
                        names.setdefault(f'{alias}.{name}', getattr(home, name))
            break
    for name in dir(torch):
        value = getattr(torch, name)
        if isinstance(value, torch.dtype) or name.endswith('Storage'):
            names[f'torch.{name}'] = value
    for kind in _dtype_classes():
        names[f'{kind.__module__}.{kind.__qualname__}'] = kind
    return names


def _dtype_classes() -> set[type]:
    return {type(np.dtype(code)) for code in np.typecodes['All']}


class SafeUnpickler(_PurePython):
    """Reads pickles of data.

    In Python, not in C, so that it can check each call and each state that is set.

    Args:
        file: Binary file.
        names (Mapping, optional): More whole names that the pickle may have, and what stands for them.
        **kwargs: Of ``pickle.Unpickler``.

    Raises:
        UnsafePickleError: By :meth:`load`, at the first name that is not allowed.

    Example:
        >>> import io, pickle
        >>> SafeUnpickler(io.BytesIO(pickle.dumps(dict(scores=torch.ones(2))))).load()
        {'scores': tensor([1., 1.])}
        >>> SafeUnpickler(io.BytesIO(pickle.dumps(print))).load()
        Traceback (most recent call last):
        mmdet_efpn.utils.safe_pickle.UnsafePickleError: the pickle names builtins.print
    """

    dispatch = dict(_PurePython.dispatch)

    def __init__(self, file, names: Mapping[str, Any] | None = None, **kwargs) -> None:
        super().__init__(file, **kwargs)
        self._names = {
            **allowed_names(),
            'torch.storage._load_from_bytes': lambda data: _storage(data, names),
            **(names or {}),
        }
        self._kinds = _dtype_classes() | {torch.Tensor, torch.nn.Parameter}
        self._found: list[Any] = []

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for."""
        if self.proto < 3 and self.fix_imports and module == '__builtin__':
            module = 'builtins'
        whole = f'{module}.{name}'
        if whole not in self._names:
            raise UnsafePickleError(f'the pickle names {whole}')
        found = self._names[whole]
        self._found.append(found)
        return found

    def _check(self, called: Any) -> None:
        if not any(called is found for found in self._found):
            raise UnsafePickleError(f'the pickle calls {called!r}, which it did not name')

    def _instantiate(self, klass, args) -> None:
        self._check(klass)
        super()._instantiate(klass, args)

    def _load_reduce(self) -> None:
        self._check(self.stack[-2])
        super().load_reduce()

    def _load_newobj(self) -> None:
        self._check(self.stack[-2])
        super().load_newobj()

    def _load_newobj_ex(self) -> None:
        self._check(self.stack[-3])
        super().load_newobj_ex()

    def _load_build(self) -> None:
        kind = type(self.stack[-2])
        if kind not in self._kinds and not any(kind is found for found in self._found):
            raise UnsafePickleError(f'the pickle sets the state of a {kind.__name__}')
        super().load_build()

    dispatch[pickle.REDUCE[0]] = _load_reduce
    dispatch[pickle.NEWOBJ[0]] = _load_newobj
    dispatch[pickle.NEWOBJ_EX[0]] = _load_newobj_ex
    dispatch[pickle.BUILD[0]] = _load_build


def _storage(data: bytes, names: Mapping[str, Any] | None) -> Any:
    """A tensor's numbers, which a plain pickle holds as a whole file of torch's."""
    return torch.load(io.BytesIO(data), pickle_module=pickle_module(names), weights_only=False)


def pickle_module(names: Mapping[str, Any] | None = None) -> Any:
    """The safe unpickler in the shape that ``torch.load`` takes as its ``pickle_module``."""

    class Unpickler(SafeUnpickler):
        def __init__(self, file, **kwargs) -> None:
            super().__init__(file, names, **kwargs)

    def load(file, **kwargs):
        return Unpickler(file, **kwargs).load()

    return _Module(Unpickler, load)


class _Module:
    """What ``torch.load`` reads of a pickle module."""

    __name__ = 'safe_pickle'

    def __init__(self, unpickler: type, load: Callable) -> None:
        self.Unpickler, self.load = unpickler, load
        self.UnpicklingError = pickle.UnpicklingError
