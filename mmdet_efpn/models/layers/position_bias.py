"""The learned relative position bias of window attention, gathered by views."""

import torch
import torch.nn as nn
from timm.layers import trunc_normal_
from torch import Tensor

CACHED_BIASES = 16


def is_compiling() -> bool:
    """Whether torch.compile or torch.export is tracing."""
    if hasattr(torch.compiler, 'is_compiling'):
        return torch.compiler.is_compiling()
    from torch._dynamo.external_utils import is_compiling  # torch 2.1

    return is_compiling()


class RelativePositionBias(nn.Module):
    """Base of attention layers that own a ``relative_position_bias_table``.

    Gathering the table is a matter of overlapping views: no index is kept, on any device. With
    gradients it is gathered in each forward pass, once for each size of windows (those at the borders
    of a map may be smaller); in evaluation without gradients once for all passes, until the table
    changes or the mode is set again. One change is not seen: that of an optimiser with ``fused=True``
    that steps while this module is in evaluation mode, for torch does not count it.

    Args:
        query_window (int): Side w of the square of queries, in cells.
        key_window (int): Side w_k of the square of keys.
        num_heads (int): Attention heads.

    Attributes:
        relative_position_bias_table (Parameter): ((w + w_k - 1)^2, heads).
    """

    def __init__(self, query_window: int, key_window: int, num_heads: int) -> None:
        super().__init__()
        self.query_window, self.key_window = query_window, key_window
        self.span = query_window + key_window - 1  # number of offsets along an axis
        self.relative_position_bias_table = nn.Parameter(torch.zeros(self.span**2, num_heads))
        trunc_normal_(self.relative_position_bias_table, std=0.02)
        self._cached_biases: dict[tuple, Tensor] = {}  # the one used last stands last
        self._cached_table, self._cached_state = None, None

    def ordered_table(self) -> Tensor:
        """The table, (span^2, heads), with offsets key minus query ascending, rows first."""
        raise NotImplementedError

    def train(self, mode: bool = True):
        """Sets the mode and forgets cached biases (hooks that swap weights do not count versions)."""
        self._cached_biases.clear()
        return super().train(mode)

    def bias(self, queries: tuple[int, int], keys: tuple[int, int], dtype: torch.dtype) -> Tensor:
        """The bias between the top left cells of a query and a key window.

        Args:
            queries (tuple[int, int]): Height and width of the window of queries, at most w.
            keys (tuple[int, int]): Height and width of the window of keys, at most w_k.
            dtype (torch.dtype): Type of the result.

        Returns:
            Tensor: (heads, cells of queries, cells of keys), on the table's device.
        """
        table = self.relative_position_bias_table
        if (
            self.training
            or is_compiling()
            or table.is_inference()
            or (torch.is_grad_enabled() and table.requires_grad)
        ):
            return self._gather(queries, keys).to(dtype)
        self._forget_another(table)
        key = (queries, keys, dtype)
        bias = self._cached_biases.pop(key, None)
        if bias is None:
            bias = self._gather(queries, keys).to(dtype)
        self._cached_biases[key] = bias
        if len(self._cached_biases) > CACHED_BIASES:
            self._cached_biases.pop(next(iter(self._cached_biases)))  # the one not used for longest
        return bias

    def _forget_another(self, table: Tensor) -> None:
        """Forgets the biases of another table than this one as it is now."""
        kept, state = self._cached_table, (torch.is_inference_mode_enabled(), table._version)
        if (
            kept is None
            or kept.device != table.device
            or kept.data_ptr() != table.data_ptr()
            or state != self._cached_state
        ):
            self._cached_biases.clear()
            # As long as it is kept, no other table gets its memory.
            self._cached_table, self._cached_state = table.detach(), state

    def _gather(self, queries: tuple[int, int], keys: tuple[int, int]) -> Tensor:
        table = self.ordered_table().view(self.span, self.span, -1)  # offsets along y, x; heads
        for axis in range(2):  # from (offset) to (query, key): bias[q, k] = table[k - q + w - 1]
            table = table.unfold(axis, self.key_window, 1)
            table = table.flip(axis).narrow(axis, 0, queries[axis]).narrow(-1, 0, keys[axis])
        table = table.permute(2, 0, 1, 3, 4)  # heads, query y, query x, key y, key x
        return table.reshape(table.shape[0], queries[0] * queries[1], keys[0] * keys[1])
