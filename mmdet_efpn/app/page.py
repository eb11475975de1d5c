"""The page: a place to drop a picture, settings, the picture with its boxes, a table, the JSON."""

import json
from html import escape
from typing import Any
from urllib.parse import urlencode

from ..inference import Tiles
from ..utils.errors import UserError
from ..utils.optional_packages import import_optional
from .assets import DROP, VIEW
from .limits import without_paths
from .viewer import above, refusal_html, table_html, viewer_html
from .workbench import Workbench

PLAIN, TILED = 'whole picture', 'tiles'


def answer(
    bench: Workbench, dropped: str, score: float, mode: str, size: float, overlap: float
) -> tuple[str, str]:
    """What the page shows for its settings: HTML, and the address of the JSON; empty without one.

    Args:
        bench: Detector and pictures.
        dropped: What the upload was answered with: JSON with ``id`` or ``error``; empty: nothing yet.
        score: The lowest score that is shown.
        mode: ``'whole picture'`` or ``'tiles'``.
        size: Side of a tile in pixels.
        overlap: Pixels that tiles share.
    """
    if not dropped:
        return '', ''
    try:
        told = json.loads(dropped)
        if told.get('error'):
            raise UserError(str(told['error']))
        tiles = Tiles(int(size), int(overlap)) if mode == TILED else None
        found = above(bench.find(str(told['id']), tiles), score)
    except UserError as error:
        return refusal_html(without_paths(str(error))), ''
    words = dict(score=score) | ({} if tiles is None else dict(tile=tiles.size, overlap=tiles.overlap))
    return viewer_html(found) + table_html(found), f'predictions/{told["id"]}.json?{urlencode(words)}'


def make_page(bench: Workbench, score: float = 0.3, tiles: Tiles | None = None, title: str = '') -> Any:
    """The page as ``gradio.Blocks``.

    Args:
        bench: Detector and pictures.
        score: The lowest score that is shown at first.
        tiles: Tiles at first; ``None``: the whole picture.
        title: The model's name.

    Raises:
        MissingPackageError: ``gradio`` is not installed.
    """
    gr = import_optional('gradio', 'app', 'mmdet-efpn app')
    start = tiles or Tiles()
    limits = bench.shelf.limits
    with gr.Blocks(title='mmdet-efpn', analytics_enabled=False) as page:
        gr.HTML(f'<h1>mmdet-efpn</h1><p class="efpn-about">{escape(title)}</p>')
        drop = gr.HTML(
            value='',
            html_template='<label class="efpn-drop"><input type="file" accept="image/*,.tif,.tiff">'
            f'Drop a picture here, or click to choose one<small>up to {limits.max_mb:g} MB and '
            f'{limits.max_pixels / 1e6:g} million pixels</small></label>',
            js_on_load=DROP,
            largest=limits.max_bytes,
            megabytes=f'{limits.max_mb:g}',
            elem_id='drop',
        )
        with gr.Row():
            shown_from = gr.Slider(0, 1, score, step=0.01, label='Lowest score', elem_id='score')
            mode = gr.Radio(
                [PLAIN, TILED], value=PLAIN if tiles is None else TILED, label='Look at', elem_id='mode'
            )
            visible = tiles is not None
            size = gr.Number(
                start.size, label='Tile in pixels', precision=0, visible=visible, elem_id='tile'
            )
            overlap = gr.Number(
                start.overlap, label='Overlap in pixels', precision=0, visible=visible, elem_id='overlap'
            )
        found = gr.HTML(js_on_load=VIEW, elem_id='found')
        link = gr.HTML(elem_id='download')

        def show(*settings: Any) -> tuple[str, str]:
            html, address = answer(bench, *settings)
            return html, '' if not address else (
                f'<a href="{escape(address)}" download="predictions.json">Download predictions.json</a>'
            )

        def sides(chosen: str) -> tuple:
            return gr.update(visible=chosen == TILED), gr.update(visible=chosen == TILED)

        settings, results = [drop, shown_from, mode, size, overlap], [found, link]
        options = dict(fn=show, inputs=settings, outputs=results, api_visibility='private')
        drop.submit(**options)
        shown_from.change(**options, show_progress='hidden', trigger_mode='always_last')
        mode.change(sides, mode, [size, overlap], api_visibility='private').then(**options)
        size.submit(**options)
        size.blur(**options)
        overlap.submit(**options)
        overlap.blur(**options)
    return page
