"""The region proposal network over an extended pyramid."""

from collections.abc import Sequence

from mmdet.models.dense_heads import RPNHead
from mmdet.registry import MODELS
from torch import Tensor

from ...utils.errors import UserError
from ...utils.known_names import known_arguments_only
from ..necks.on_demand import whole_map
from ..utils.map_checks import check_maps, padded_size

P2_PRIME_STRIDE = 2


@MODELS.register_module()
@known_arguments_only
class ExtendedRPNHead(RPNHead):
    """RPN that runs on P2..P6 of ``(P2', P2, ..., P6)``, or on P2' too.

    Args:
        on_p2_prime (bool): Run on P2' as well; ``anchor_generator.strides`` then begins with 2.
            Default False, the authors' released model: strides begin with 4, and the finest map is
            left to the RoI head.
        *args, **kwargs: The arguments of MMDetection's ``RPNHead``.

    Raises:
        UserError: at build, anchor strides that do not begin with the finest level used; at the
            first forward, a width or strides that are not those of the maps.

    Source: the authors' released model of arXiv:2003.07021.
    """

    def __init__(self, *args, on_p2_prime: bool = False, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.on_p2_prime = on_p2_prime
        finest = P2_PRIME_STRIDE if on_p2_prime else 2 * P2_PRIME_STRIDE
        if self._strides()[0] != finest:
            raise UserError(
                f'rpn_head.anchor_generator.strides must begin with {finest} where '
                f'rpn_head.on_p2_prime={on_p2_prime}, got {self._strides()}'
            )

    def _strides(self) -> list[int]:
        return [stride[0] for stride in self.prior_generator.strides]

    def _used_levels(self, x: Sequence[Tensor]) -> Sequence[Tensor]:
        if not self.on_p2_prime:
            return x[1:]
        return (whole_map(x[0], 'rpn_head.on_p2_prime=True'), *x[1:])

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Gives objectness scores and box deltas for each level that the head runs on.

        Args:
            x (Sequence[Tensor]): The whole pyramid, P2' first: (B, C, H_i, W_i).

        Returns:
            tuple[list[Tensor], list[Tensor]]: (B, A, H_i, W_i) and (B, 4A, H_i, W_i) a level, for A
            anchors a cell.

        Raises:
            UserError: the pyramid's levels are not as many, or not as wide, as the config says.
        """
        self._check(x)
        return super().forward(self._used_levels(x))

    def _check(self, x: Sequence[Tensor], image_size: tuple[int, int] | None = None) -> None:
        check_maps(
            self._used_levels(x),
            self.in_channels,
            'rpn_head.in_channels',
            self._strides(),
            f'rpn_head.anchor_generator.strides (rpn_head.on_p2_prime={self.on_p2_prime})',
            image_size,
        )

    def loss(self, x, batch_data_samples) -> dict:
        """As RPNHead, with the strides checked against the images' size."""
        self._check(x, padded_size(batch_data_samples))
        return super().loss(x, batch_data_samples)

    def loss_and_predict(self, x, batch_data_samples, proposal_cfg=None) -> tuple:
        """As RPNHead, with the strides checked against the images' size."""
        self._check(x, padded_size(batch_data_samples))
        return super().loss_and_predict(x, batch_data_samples, proposal_cfg)

    def predict(self, x, batch_data_samples, rescale: bool = False) -> list:
        """As RPNHead, with the strides checked against the images' size."""
        self._check(x, padded_size(batch_data_samples))
        return super().predict(x, batch_data_samples, rescale=rescale)
