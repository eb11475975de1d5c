"""GLIP's head, and what is said of language models."""

import copy
import sys

import pytest
import torch
from mmdet.models.utils import VLFuse

import mmdet_efpn
from mmdet_efpn.extend import build_detector, extend_with_report, try_detector
from mmdet_efpn.extend.queries import language, why_no_language_model
from mmdet_efpn.models.dense_heads.extended_atss_vlfusion_head import FusionOfLevels

GLIP = 'glip/glip_atss_swin-t_c_fpn_dyhead_16xb2_ms-2x_funtune_coco'

GROUNDING_DINO = 'grounding_dino/grounding_dino_r50_scratch_8xb2_1x_coco'


def levels_and_words(sides):
    generator = torch.Generator().manual_seed(0)
    levels = [torch.rand(2, 256, side, side + 1, generator=generator) for side in sides]
    hidden, masks = torch.rand(2, 7, 768, generator=generator), torch.ones(2, 7)
    masks[1, 4:] = 0
    return dict(visual=levels, lang=dict(hidden=hidden, masks=masks, embedded=hidden))


@pytest.mark.parametrize('use_checkpoint', [False, True])
def test_five_levels_fuse_as_in_mmdetection(use_checkpoint):
    torch.manual_seed(0)
    plain = VLFuse(use_checkpoint=use_checkpoint).eval()
    fusion = FusionOfLevels(plain.b_attn, use_checkpoint)
    assert plain.state_dict().keys() == fusion.state_dict().keys()
    x = levels_and_words((8, 4, 2, 1, 1))
    ours, theirs = fusion(x), plain(copy.deepcopy(x))
    assert torch.equal(ours['lang']['hidden'], theirs['lang']['hidden'])
    assert [level.shape for level in ours['visual']] == [level.shape for level in x['visual']]
    for level, expected in zip(ours['visual'], theirs['visual'], strict=True):
        assert torch.equal(level, expected)


def test_seven_levels_fuse_and_each_gets_a_gradient():
    torch.manual_seed(0)
    fusion = FusionOfLevels(VLFuse().b_attn)
    x = levels_and_words((16, 8, 4, 2, 1, 1, 1))
    for level in x['visual']:
        level.requires_grad_()
    fused = fusion(x)
    (sum(level.square().sum() for level in fused['visual']) + fused['lang']['hidden'].sum()).backward()
    assert all(level.grad.any() for level in x['visual'])


@pytest.mark.parametrize(('levels', 'count'), [(None, 6), ('all', 7)])
def test_glip_gets_a_head_for_its_levels(shipped, levels, count):
    cfg, report = extend_with_report(shipped(GLIP), levels=levels, check=False)
    assert cfg.model.bbox_head.type == 'ExtendedATSSVLFusionHead'
    assert len(cfg.model.bbox_head.anchor_generator.strides) == count
    assert f'{count} levels in the place of five' in str(report)
    assert cfg.model.language_model == shipped(GLIP).model.language_model


def test_report_says_that_the_language_model_was_not_built(shipped, monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)  # as if it were not installed
    _, report = extend_with_report(shipped(GLIP), check=False)
    (line,) = [line for line in report.kept if 'language_model' in line]
    assert 'transformers is not installed' in line


def test_detectors_without_words_have_no_language_model_to_miss(shipped):
    assert why_no_language_model(shipped('atss/atss_r50_fpn_1x_coco').model) is None


def test_glip_trains_and_predicts(shipped, tmp_path):
    transformers = pytest.importorskip('transformers', reason="GLIP's words need transformers")
    name = local_bert(transformers, tmp_path)
    cfg = shipped(GLIP)
    cfg.model.backbone.update(depths=[1, 1, 1, 1], embed_dims=24)
    cfg.model.neck.in_channels = [48, 96, 192]
    cfg.model.language_model.name = cfg.model.bbox_head.lang_model_name = name
    cfg.model.bbox_head.num_dyhead_blocks = 1
    assert why_no_language_model(cfg.model) is None
    model = build_detector(mmdet_efpn.extend_config(cfg).model)
    trial = try_detector(model, (64, 128))
    assert trial.strides == (4, 8, 16, 32, 64, 128)
    assert trial.num_detections > 0


def local_bert(transformers, folder) -> str:
    """Folder of a BERT with random weights that knows single letters."""
    letters = 'abcdefghijklmnopqrstuvwxyz'
    words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', '.', *letters, *(f'##{c}' for c in letters)]
    (folder / 'vocab.txt').write_text('\n'.join(words))
    settings = transformers.BertConfig(
        vocab_size=len(words), num_hidden_layers=1, intermediate_size=32, hidden_size=768
    )
    transformers.BertModel(settings, add_pooling_layer=False).save_pretrained(folder)
    transformers.BertTokenizer(str(folder / 'vocab.txt')).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(('factor', 'runs'), [(1, True), (2, False)])
def test_report_says_if_mmdetection_cannot_run_grounding_dino(shipped, monkeypatch, factor, runs):
    class Decoder(language.DinoTransformerDecoder):
        def __init__(self, layer_cfg, **settings):
            layer_cfg = {key: part for key, part in layer_cfg.items() if 'text' not in key}
            super().__init__(layer_cfg=layer_cfg, **settings)
            first = self.ref_point_head.layers[0]
            self.ref_point_head.layers[0] = torch.nn.Linear(first.in_features * factor, 32)

    monkeypatch.setattr(language, 'GroundingDinoTransformerDecoder', Decoder)
    _, report = extend_with_report(shipped(GROUNDING_DINO), check=False)
    assert any('cannot run Grounding DINO' in line for line in report.kept) is not runs
