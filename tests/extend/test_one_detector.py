"""One real detector all the way: its config extended by the command, one training step, a prediction."""

import torch
from mmengine.config import Config

from mmdet_efpn.extend import build_detector, try_detector


def test_faster_rcnn_extends_trains_and_predicts(command, tmp_path):
    out = tmp_path / 'faster_efpn.py'
    code, said, _ = command('extend', 'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py', out)
    assert code == 0
    assert 'FPN to EFPN' in said
    cfg = Config.fromfile(out)
    cfg.model.backbone.depth = 18
    cfg.model.neck.in_channels = [64, 64, 128, 256, 512]
    trial = try_detector(build_detector(cfg.model), (64, 128))
    assert trial.strides == (2, 4, 8, 16, 32, 64)
    assert trial.without_gradient == ()
    assert torch.tensor(trial.losses['loss']).isfinite()
    assert trial.num_detections > 0
