"""Files of exported detectors, run at sizes and batches that the exporter did not see."""

import json

import pytest
import torch

from mmdet_efpn.export import ExportedDetector, write_exported
from mmdet_efpn.export.formats import INPUT, METADATA, OUTPUTS
from mmdet_efpn.utils.errors import ExistingFileError, UserError

DEMO = 'demo/faster-rcnn_r18_efpn_demo_synthetic-signs.py'
RETINANET = 'deeppcb/retinanet_r18_efpn_1500-iters_deeppcb-320.py'
TWO_STAGE = [
    'deeppcb/faster-rcnn_r18_fpn_1500-iters_deeppcb-320.py',
    'deeppcb/faster-rcnn_r18_efpn-light_1500-iters_deeppcb-320.py',
]
SHAPES = ((1, 3, 96, 128), (2, 3, 150, 111), (1, 3, 70, 200))


@pytest.mark.parametrize('name', [DEMO, RETINANET])
def test_torchscript(small_detector, own_predictions, raw_pictures, assert_equal, tmp_path, name):
    model = small_detector(name)
    path = tmp_path / 'model.ts'
    write_exported(ExportedDetector(model, True), path, 'torchscript', dict(classes=['sign']))
    extra = {METADATA: ''}
    loaded = torch.jit.load(str(path), _extra_files=extra)
    assert json.loads(extra[METADATA]) == dict(classes=['sign'])
    for shape in SHAPES:
        pictures = raw_pictures(*shape)
        assert_equal(loaded(pictures), own_predictions(model, pictures), 0.01, 1e-4)


@pytest.mark.slow  # torch's exporter takes minutes
@pytest.mark.parametrize('name', [RETINANET, *TWO_STAGE])
def test_onnx(small_detector, own_predictions, raw_pictures, assert_equal, tmp_path, name):
    onnxruntime = pytest.importorskip('onnxruntime')
    pytest.importorskip('onnxscript')
    model = small_detector(name)
    path = tmp_path / 'model.onnx'
    write_exported(ExportedDetector(model, True), path, 'onnx', dict(classes=['sign']))
    session = onnxruntime.InferenceSession(path)
    assert json.loads(session.get_modelmeta().custom_metadata_map[METADATA])['classes'] == ['sign']
    assert [one.name for one in session.get_outputs()] == list(OUTPUTS)
    for shape in SHAPES:
        pictures = raw_pictures(*shape)
        found = session.run(None, {INPUT: pictures.numpy()})
        assert_equal(found, own_predictions(model, pictures), 0.01, 1e-4)


@pytest.mark.slow  # torch's exporter takes minutes
def test_torch_export(small_detector, own_predictions, raw_pictures, assert_equal, tmp_path):
    model = small_detector(RETINANET)
    path = tmp_path / 'model.pt2'
    write_exported(ExportedDetector(model, True), path, 'torch-export', dict(classes=['sign']))
    loaded = torch.export.load(path).module()
    for shape in SHAPES:
        pictures = raw_pictures(*shape)
        assert_equal(loaded(pictures), own_predictions(model, pictures), 0.01, 1e-4)


def test_torch_export_of_two_stages_is_refused(small_detector, tmp_path):
    path = tmp_path / 'model.pt2'
    with pytest.raises(UserError, match='accept only some sizes'):
        write_exported(ExportedDetector(small_detector(DEMO)), path, 'torch-export', {})
    assert not path.exists()


def test_mistakes(tmp_path):
    model = torch.nn.Identity()
    with pytest.raises(UserError, match=r'onnx ends in \.onnx, got .*model\.pth'):
        write_exported(model, tmp_path / 'model.pth', 'onnx', {})
    with pytest.raises(UserError, match="one of onnx, torch-export, torchscript, got 'tflite'"):
        write_exported(model, tmp_path / 'model.onnx', 'tflite', {})
    (tmp_path / 'model.ts').write_text('here')
    with pytest.raises(ExistingFileError):
        write_exported(model, tmp_path / 'model.ts', 'torchscript', {})
    assert (tmp_path / 'model.ts').read_text() == 'here'
