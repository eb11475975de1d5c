"""State dicts of wrappers under the wrapped module's own keys: checkpoints fit with and without it."""
from torch import nn


def hide_prefix(wrapper: nn.Module, child: str) -> None:
    """Leaves a child's name out of the keys that a wrapper saves, and puts it back in those it loads.

    ``wrapper.child.conv1.weight`` is saved as ``conv1.weight``. The wrapper's other keys stay as they
    are, and a key that one of its other children owns is loaded by that child.

    Args:
        wrapper (nn.Module): The module that holds the child.
        child (str): The child's attribute name.
    """
    dotted = child + '.'

    def strip(module, state_dict, prefix, local_metadata):
        for mapping in (state_dict, getattr(state_dict, '_metadata', {})):
            for key in [key for key in mapping if key.startswith(prefix + dotted)]:
                mapping[prefix + key[len(prefix + dotted):]] = mapping.pop(key)

    def restore(module, state_dict, prefix, *args):
        own = [prefix + name + '.' for name, _ in module.named_children()]
        own += [prefix + name for name, _ in module.named_parameters(recurse=False)]
        own += [prefix + name for name, _ in module.named_buffers(recurse=False)]
        for key in [key for key in state_dict if key.startswith(prefix)]:
            if not key.startswith(tuple(own)):
                state_dict[prefix + dotted + key[len(prefix):]] = state_dict.pop(key)

    wrapper._register_state_dict_hook(strip)
    wrapper._register_load_state_dict_pre_hook(restore, with_module=True)
