"""Reads what torch's profiler exports: Chrome's trace format."""

from collections import defaultdict
from dataclasses import dataclass

_ON_GPU = ('kernel', 'gpu_memcpy', 'gpu_memset')
_TYPES = {
    'float': 'float32',
    'double': 'float64',
    'c10::BFloat16': 'bfloat16',
    'c10::Half': 'float16',
    'long int': 'int64',
}
_BACKWARD = 'autograd::engine::evaluate_function'


@dataclass
class Operation:
    """One call of an operation.

    Attributes:
        name: Without its namespace.
        module: The innermost marked module around it; of a gradient, around what it is the gradient of.
        inputs: Shape and type of each tensor that it got.
        milliseconds: On a GPU, of the kernels that it launched; else its own, without what it calls.
        calls: Kernels launched on a GPU; else 1.
    """

    name: str
    module: str
    inputs: list[tuple[tuple[int, ...], str]]
    milliseconds: float
    calls: int


def read_trace(events: list[dict], mark: str) -> list[Operation]:
    """The operations of a trace that took time.

    Args:
        events: ``traceEvents`` of the file.
        mark: How names of modules begin among the annotations.
    """
    spans = [event for event in events if event.get('ph') == 'X']
    kernels: dict[int, list[float]] = defaultdict(list)
    for event in spans:
        if event.get('cat') in _ON_GPU and 'External id' in event.get('args', {}):
            kernels[event['args']['External id']].append(event['dur'])
    calls = _calls(spans, mark)
    modules_by_sequence = {
        call.sequence: call.module
        for call in calls
        if call.sequence is not None and not call.backward_of
    }
    operations = []
    for call in calls:
        times = kernels.get(call.identity or -1, []) if kernels else [call.own]
        if sum(times) <= 0:
            continue
        module = call.module
        if not module and call.backward_of is not None:
            module = modules_by_sequence.get(call.backward_of, '')
        inputs = _inputs(call.event.get('args', {}))
        name = call.event['name'].rpartition('::')[2]
        operations.append(Operation(name, module, inputs, sum(times) / 1e3, len(times)))
    return operations


@dataclass
class _Call:
    """An operation on the CPU; ``own`` is its time in microseconds without what it calls."""

    event: dict
    module: str
    backward_of: int | None
    own: float
    end: float

    @property
    def sequence(self) -> int | None:
        """The number of the step that autograd notes for it."""
        return self.event.get('args', {}).get('Sequence number')

    @property
    def identity(self) -> int | None:
        """The number by which kernels name it."""
        return self.event.get('args', {}).get('External id')


def _calls(spans: list[dict], mark: str) -> list[_Call]:
    """Operations in the order of their start, each with the module and the gradient around it."""
    chosen = [
        event
        for event in spans
        if event.get('cat') == 'cpu_op'
        or (event.get('cat') == 'user_annotation' and event['name'].startswith(mark))
    ]
    calls: list[_Call] = []
    open_calls: dict[int, list[_Call]] = defaultdict(list)
    for event in sorted(chosen, key=lambda event: (event['ts'], -event['dur'])):
        around = open_calls[event['tid']]
        while around and around[-1].end <= event['ts']:
            around.pop()
        outer = around[-1] if around else None
        call = _Call(
            event,
            outer.module if outer else '',
            outer.backward_of if outer else None,
            event['dur'],
            event['ts'] + event['dur'],
        )
        around.append(call)
        if event['cat'] == 'user_annotation':
            call.module = event['name'].removeprefix(mark)
            continue
        if event['name'].startswith(_BACKWARD):
            call.backward_of = call.sequence
        if outer is not None:
            outer.own -= event['dur']
        calls.append(call)
    return calls


def _inputs(args: dict) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and types of the tensors, those in lists too."""
    inputs = []
    for dims, kind in zip(args.get('Input Dims', []), args.get('Input type', []), strict=False):
        if dims and isinstance(dims[0], list):
            inputs += [(tuple(one), 'list') for one in dims]
        elif dims:
            inputs.append((tuple(dims), _TYPES.get(kind, kind)))
    return inputs
