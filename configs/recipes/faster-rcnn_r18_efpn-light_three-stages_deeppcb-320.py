"""Three stages of 1500 iterations together, as for the other R-18, with the light extension."""

_base_ = './faster-rcnn_r18_efpn_three-stages_deeppcb-320.py'

stages = _base_.recipe.stages
stages[1].config = '../distillation/faster-rcnn_r18_efpn-light-distill_300-iters_deeppcb-320.py'
stages[2].config = '../distillation/faster-rcnn_r18_efpn-light-head_200-iters_deeppcb-320.py'
recipe = dict(stages=stages)
