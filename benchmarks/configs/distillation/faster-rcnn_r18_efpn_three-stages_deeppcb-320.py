"""The three stages of the light recipe, with its numbers of iterations, for R-18 with FTT of h = 128."""

_base_ = '../../../configs/distillation/faster-rcnn_r18_efpn-light_three-stages_deeppcb-320.py'

stages = _base_.recipe.stages
stages[0].config = '../../../configs/deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py'
stages[1].config = 'faster-rcnn_r18_efpn-distill_300-iters_deeppcb-320.py'
stages[2].config = 'faster-rcnn_r18_efpn-head_200-iters_deeppcb-320.py'
recipe = dict(stages=stages)
