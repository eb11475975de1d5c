"""12 epochs of SGD, whose learning rate, 0.02 for 16 images, follows the number of images in a batch."""

_base_ = ['mmdet::_base_/schedules/schedule_1x.py', 'mmdet::_base_/default_runtime.py']

auto_scale_lr = dict(enable=True, base_batch_size=16)
