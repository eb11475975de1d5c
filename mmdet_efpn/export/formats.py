"""Files that other runtimes read, of an :class:`ExportedDetector`."""

import contextlib
import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ..utils.atomic_file import whole_or_not
from ..utils.errors import UserError
from ..utils.optional_packages import import_optional
from ..utils.outputs import refuse_existing

SUFFIXES = {'onnx': '.onnx', 'torch-export': '.pt2', 'torchscript': '.ts'}
INPUT, OUTPUTS = 'pictures', ('boxes', 'scores', 'labels', 'numbers')
METADATA = 'mmdet_efpn'  # the key of what a file says of itself, JSON
# Sides of the example are no multiple of each other or of the padding, and its batch is no 0, 1 or 2:
# equal or special numbers would become one dimension, or a constant.
_EXAMPLE = (3, 3, 150, 211)
_LARGEST_BATCH, _LARGEST_SIDE = 1024, 65536


def write_exported(
    model: nn.Module,
    out: str | Path,
    form: str,
    facts: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Writes a detector for another runtime; height, width and batch stay dynamic.

    Args:
        model: An ``ExportedDetector``.
        out: The file: ``.onnx`` for ``'onnx'``, ``.pt2`` for ``'torch-export'``, ``.ts`` for
            ``'torchscript'``.
        form: One of these three.
        facts: What the file says of itself, plain values: metadata ``mmdet_efpn`` of the ONNX file, an
            extra file of that name in the other two, as JSON.
        overwrite: Replace ``out`` if it exists.

    Raises:
        UserError: Another format or suffix, ``out`` exists, ``'torch-export'`` of a two-stage
            detector, or the exporter cannot follow the model.
        MissingPackageError: ``onnx`` or ``onnxscript`` is missing.
    """
    if form not in SUFFIXES:
        raise UserError(f'format must be one of {", ".join(SUFFIXES)}, got {form!r}')
    if Path(out).suffix != SUFFIXES[form]:
        raise UserError(f'a file of format {form} ends in {SUFFIXES[form]}, got {out}')
    refuse_existing(out, overwrite)
    if form == 'torch-export' and getattr(model, 'rpn_head', None) is not None:
        raise UserError(
            'torch-export of a two-stage detector would accept only some sizes of pictures: torch '
            'writes a check of them into the file; take onnx or torchscript'
        )
    if form == 'onnx':
        for package in ('onnx', 'onnxscript'):
            import_optional(package, 'export', 'format onnx')
    write = dict(onnx=_write_onnx, torchscript=_write_torchscript).get(form, _write_torch_export)
    with whole_or_not(out) as temporary, _quietly(form):
        write(model, temporary, json.dumps(dict(facts)))


@contextlib.contextmanager
def _quietly(form: str):
    """Keeps an exporter's progress and warnings back; its errors come in one line."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    except UserError:
        raise
    except (RuntimeError, ValueError, TypeError, NotImplementedError) as error:
        first = next(filter(None, map(str.strip, str(error).splitlines())), type(error).__name__)
        raise UserError(f"torch's exporter cannot write this model as {form}: {first}") from error


def _program(model: nn.Module) -> ExportedProgram:
    """The graph, by torch's own exporter."""
    side = Dim.DYNAMIC(max=_LARGEST_SIDE)
    sizes = {0: Dim.DYNAMIC(max=_LARGEST_BATCH), 2: side, 3: side}
    return torch.export.export(
        model,
        (_example(model),),
        dynamic_shapes=(sizes,),
        strict=False,
        prefer_deferred_runtime_asserts_over_guards=True,
    )


def _example(model: nn.Module) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(_EXAMPLE, generator=generator)


def _write_onnx(model: nn.Module, path: Path, facts: str) -> None:
    program = torch.onnx.export(
        _program(model),
        dynamo=True,
        input_names=[INPUT],
        output_names=list(OUTPUTS),
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props[METADATA] = facts
    program.save(str(path))


def _write_torch_export(model: nn.Module, path: Path, facts: str) -> None:
    torch.export.save(_program(model), path, extra_files={METADATA: facts})


def _write_torchscript(model: nn.Module, path: Path, facts: str) -> None:
    traced = torch.jit.trace(model, (_example(model),), check_trace=False)
    torch.jit.save(traced, str(path), _extra_files={METADATA: facts.encode()})
