"""MMDetection's Faster R-CNN with FPN, which leaves ignored regions out of training."""

_base_ = 'mmdet::_base_/models/faster-rcnn_r50_fpn.py'
custom_imports = dict(imports=['mmdet_efpn'], allow_failed_imports=False)

# A prior of which half lies in an ignored region is neither an object nor background.
ignored = dict(assigner=dict(ignore_iof_thr=0.5))
model = dict(train_cfg=dict(rpn=ignored, rcnn=ignored))
