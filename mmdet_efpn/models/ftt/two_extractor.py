"""The frame of the FTT modules whose content and texture extractors are blocks between convs."""

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from .base import BaseFTT


class TwoExtractorFTT(BaseFTT):
    """Feature texture transfer by two extractors of one width.

    The content extractor works at stride 8 on P3, a sub-pixel conv carries the result to stride 4, the
    texture extractor takes what P2 adds, and a conv brings the sum of texture and content back to the
    pyramid's width, where nearest-neighbour upsampled P3 is added.

    A subclass builds ``content_conv``, ``content``, ``upsample``, ``texture_conv``, ``texture`` and
    ``tail``, and says in :meth:`_reset` how they start.

    Args: those of ``BaseFTT``.

    Source: arXiv:2003.07021, section 3.2 and figure 3.
    """

    @abstractmethod
    def _reset(self) -> None:
        """Sets the weights to those that the class starts from."""

    def init_weights(self) -> None:
        """Initialises as the class says, then as ``init_cfg`` says."""
        if not self.is_init:
            self._reset()
        super().init_weights()

    def transfer(self, p2: Tensor, p3: Tensor) -> Tensor:
        content = self.upsample(self.content(self.content_conv(p3)))
        content = self.crop(content, p2)  # B, width of the extractors, H/4, W/4
        texture = self.texture(self.texture_conv(torch.cat((p2, content), dim=1)))
        upsampled_p3 = F.interpolate(p3, size=p2.shape[2:], mode='nearest')
        return self.tail(texture + content) + upsampled_p3
