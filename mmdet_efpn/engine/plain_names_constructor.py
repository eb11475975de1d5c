"""Rules for learning rates that look a backbone up by name, kept behind a wrapper."""

from collections.abc import Iterator

from mmdet.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from ..utils.errors import UserError
from ..utils.known_names import known_arguments_only

WRAPPERS = ('backbone.backbone.', 'neck.neck.')


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
@known_arguments_only
class PlainNamesConstructor:
    """Builds an optimiser by another constructor, which sees the plain detector's names.

    Constructors with a learning rate for each layer (``LearningRateDecayOptimizerConstructor`` for
    ConvNeXt) read the layer's number from a weight's name, and the kind of backbone from its class.
    ``HighResolutionTap`` and ``ExtendedNeck`` change both. New weights have names that no layer has, and
    get what the constructor gives to heads.

    Args:
        optim_wrapper_cfg (dict): The optimiser wrapper's config.
        paramwise_cfg (dict): Settings of the other constructor, and its name under ``constructor``.

    Raises:
        UserError: ``paramwise_cfg.constructor`` is missing.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None) -> None:
        settings = dict(paramwise_cfg or {})
        if 'constructor' not in settings:
            raise UserError(
                'optim_wrapper.paramwise_cfg.constructor must name the constructor that groups the '
                'weights, for example LearningRateDecayOptimizerConstructor'
            )
        self.constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(
            dict(
                type=settings.pop('constructor'),
                optim_wrapper_cfg=optim_wrapper_cfg,
                paramwise_cfg=settings,
            )
        )

    def __call__(self, model: nn.Module):
        """The optimiser wrapper for a detector, plain or extended, or one inside a model wrapper."""
        return self.constructor(_PlainView(getattr(model, 'module', model)))


class _PlainView(nn.Module):
    """A detector under the names that it would have without wrappers round backbone and neck."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self._model = [model]  # in a list, so that it is no child
        backbone = model.backbone
        self.backbone = getattr(backbone, 'backbone', backbone)

    def named_parameters(self, *args, **kwargs) -> Iterator[tuple[str, nn.Parameter]]:
        """Names and weights of the whole detector."""
        for name, weight in self._model[0].named_parameters(*args, **kwargs):
            for prefix in WRAPPERS:
                if name.startswith(prefix):
                    name = prefix.partition('.')[2] + name[len(prefix) :]
            yield name, weight

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """Weights of the whole detector."""
        return self._model[0].parameters(recurse)
