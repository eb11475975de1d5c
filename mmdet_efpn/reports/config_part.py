"""The config of a run, and what it extends."""

import ast
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..engine import TRAINING_COMMAND
from ..utils.config_parts import inner_detector, leaf_datasets
from ..utils.errors import UserError
from ..utils.read_config import config_path
from ..visualization import report_page as html
from .run_files import RunFiles


def config_part(run: RunFiles) -> str:
    """Tables of the run and its model, the configs that it stands on, and the config itself."""
    if run.config is None:
        missing = html.warning(f'No config: {run.folder} has no *.py and no TIME/vis_data/config.py.')
        return missing + html.side_by_side([html.table_as_html(_checkpoint(run))])
    tables = [_run(run), _model(run.config), _data(run.config), _checkpoint(run)]
    folded = html.folded(f'The whole config ({run.config_file})', html.code([run.config.pretty_text]))
    return html.side_by_side(map(html.table_as_html, tables)) + folded


def bases_of(path: Path) -> list[str]:
    """The names in a config's ``_base_``, which is read, not run."""
    try:
        body = ast.parse(path.read_text(encoding='utf-8')).body
    except (OSError, SyntaxError, ValueError):
        return []
    for node in body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', '') == '_base_':
            names = ast.literal_eval(node.value)
            return [names] if isinstance(names, str) else list(names)
    return []


def _run(run: RunFiles) -> html.Table:
    command = run.meta.get(TRAINING_COMMAND)
    rows: html.Rows = [('command', command or 'not noted: there is no checkpoint that has it')]
    rows.append(('stands on', _bases(command)))
    cfg = run.config or Config()
    optim = cfg.get('optim_wrapper') or {}
    optimiser = optim.get('optimizer') or {}
    rows.append(('optimiser', _words(optimiser, 'type', 'lr', 'momentum', 'weight_decay')))
    rows.append(('precision', f'{optim.get("type", "OptimWrapper")} {optim.get("dtype", "")}'.strip()))
    rows.append(('schedule', _words(cfg.get('train_cfg') or {}, 'type', 'max_epochs', 'max_iters')))
    rows.append(
        (
            'started from',
            str(cfg.get('load_from') or _pretrained(inner_detector(cfg.get('model') or {}))),
        )
    )
    rows.append(('seed', str((cfg.get('randomness') or {}).get('seed', 'not set'))))
    return html.Table('The run', ('', ''), rows)


def _bases(command: str | None) -> str:
    """The ``_base_`` of the config that a training's command names."""
    for word in shlex.split(command or '')[1:]:
        if not word.endswith('.py') or Path(word).name == 'train.py':
            continue
        try:
            path = config_path(word)
        except UserError:
            return f'unknown: {word}, which the command names, is not there'
        return ', '.join(bases_of(path)) or f'nothing: {word} has no _base_'
    return 'unknown: no command was noted that names a config'


def _model(cfg: Config) -> html.Table:
    model = inner_detector(cfg.model)
    rows: html.Rows = [('detector', _kind(cfg.model.get('type')))]
    if model is not cfg.model:
        rows.append(('it wraps', _kind(model.get('type'))))
    rows.append(('backbone', _words(model.get('backbone') or {}, 'type', 'depth', 'arch', 'model_name')))
    necks = model.get('neck') or []
    for neck in necks if isinstance(necks, list) else [necks]:
        rows.append(('neck', _words(neck, 'type', 'in_channels', 'out_channels')))
        rows += _extension(neck)
    for name in ('rpn_head', 'bbox_head', 'roi_head'):
        if head := model.get(name):
            rows.append((name, _words(head, 'type', 'num_classes', 'extended_bbox_head')))
    extractor = (model.get('roi_head') or {}).get('bbox_roi_extractor')
    if isinstance(extractor, dict):
        rows.append(('RoIs pooled from strides', str(extractor.get('featmap_strides'))))
    return html.Table('The model', ('', ''), rows)


def _extension(neck: dict) -> html.Rows:
    """What is added to the plain neck."""
    if not str(neck.get('type')).endswith(('EFPN', 'ExtendedNeck')):
        return []
    plain = neck.get('neck')
    inner = plain if isinstance(plain, list) else [plain] if isinstance(plain, dict) else []
    rows: html.Rows = [
        ('it extends', _words(part, 'type', 'in_channels', 'out_channels')) for part in inner
    ]
    if not inner:
        rows.append(('it extends', 'FPN'))
    ftt = neck.get('ftt')
    rows.append(('FTT', _all_words(ftt) if isinstance(ftt, dict) else 'the default one'))
    if options := neck.get('extension_cfg'):
        rows.append(('extension', _all_words(options)))
    return rows


def _data(cfg: Config) -> html.Table:
    rows: html.Rows = []
    for stage in ('train', 'val', 'test'):
        loader = cfg.get(f'{stage}_dataloader')
        if not isinstance(loader, dict):
            continue
        names = [
            f'{leaf.get("type")} {Path(leaf.get("data_root") or "") / (leaf.get("ann_file") or "")}'
            for leaf in leaf_datasets(loader['dataset'])
        ]
        rows.append((stage, f'{", ".join(names)}; batches of {loader.get("batch_size")}'))
    return html.Table('The data', ('', ''), rows)


def _checkpoint(run: RunFiles) -> html.Table:
    if run.checkpoint is None:
        return html.Table('The last checkpoint', ('', ''), [('file', 'none that can be read')])
    meta = run.meta
    rows: html.Rows = [
        ('file', f'{run.checkpoint.name}, {run.checkpoint.stat().st_size / 2**20:.1f} MiB'),
        ('weights', f'{run.weights:,} numbers'),
    ]
    known = dict(iter='iteration', epoch='epoch', time='saved', mmengine_version='MMEngine')
    if not run.by_epoch:
        del known['epoch']
    rows += [(words, str(meta[key])) for key, words in known.items() if key in meta]
    classes = (meta.get('dataset_meta') or {}).get('classes') or ()
    rows.append(
        ('classes', f'{len(classes)}: {", ".join(map(str, classes))}' if classes else 'not named')
    )
    return html.Table('The last checkpoint', ('', ''), rows)


def _pretrained(model: Mapping) -> str:
    start = (model.get('backbone') or {}).get('init_cfg') or {}
    name = start.get('checkpoint') if isinstance(start, dict) else None
    return f'{name} (backbone)' if name else 'random weights'


def _words(part: dict, *keys: str) -> str:
    return ', '.join(
        _kind(part[key]) if key == 'type' else f'{key} {part[key]}' for key in keys if part.get(key)
    )


def _all_words(part: dict) -> str:
    return _words(part, *sorted(part, key=lambda key: key != 'type'))


def _kind(value: Any) -> str:
    return value if isinstance(value, str) else getattr(value, '__name__', str(value))
