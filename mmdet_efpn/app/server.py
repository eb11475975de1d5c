"""Serves the page: pictures go in and out by numbers; of gradio's routes only the page's are open."""

import os
import re
import socket
import sys
from collections.abc import Callable
from typing import Any

from ..inference import Tiles
from ..utils.errors import UserError
from ..utils.optional_packages import import_optional
from .assets import STYLE
from .limits import without_paths
from .page import make_page
from .workbench import Workbench

LOOPBACK = ('127.0.0.1', 'localhost', '::1')
# What the page asks for. All else of gradio is shut: file=, upload, proxy=, stream, component_server.
OPEN = re.compile(
    r'/|/config|/theme\.css|/robots\.txt|/favicon\.ico|/manifest\.json'
    r'|/(?:assets|static|svelte)/[\w./@+-]+'
    r'|/gradio_api/(?:startup-events|info|app_id|queue/(?:join|data)|heartbeat/\w+|cancel|reset)'
    r'|/picture|/shown/[\w-]+/[\w.]+|/predictions/[\w-]+\.json'
)
HEADERS = (
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
    (
        b'content-security-policy',
        b"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'none'",
    ),
)


class OnlyThePage:
    """ASGI middleware: 404 for what the page does not ask for, headers that keep the browser inside."""

    def __init__(self, app: Callable) -> None:
        self._app = app

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """Handles one request."""
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        path = scope.get('path', '')
        if scope['type'] != 'http' or not OPEN.fullmatch(path) or '..' in path:
            if scope['type'] == 'http':
                start = dict(type='http.response.start', status=404)
                await send(dict(start, headers=[(b'content-type', b'text/plain')]))
                await send(dict(type='http.response.body', body=b'not found'))
            return

        async def with_headers(message: dict) -> None:
            if message['type'] == 'http.response.start':
                message = dict(message, headers=[*message.get('headers', ()), *HEADERS])
            await send(message)

        await self._app(scope, receive, with_headers)


def make_app(
    bench: Workbench,
    score: float = 0.3,
    tiles: Tiles | None = None,
    title: str = '',
    host: str = '127.0.0.1',
) -> Any:
    """The whole application, for any ASGI server.

    Args:
        bench: Detector and pictures.
        score: The lowest score that is shown at first.
        tiles: Tiles at first; ``None``: the whole picture.
        title: The model's name.
        host: Where it will listen. On a loopback address, requests under another host's name are
            refused, so that no web page elsewhere can read it by a name that leads here.

    Raises:
        MissingPackageError: ``gradio`` is not installed.
    """
    os.environ.update(GRADIO_ANALYTICS_ENABLED='False', HF_HUB_DISABLE_TELEMETRY='1')
    os.environ.setdefault('HF_HUB_OFFLINE', '1')
    gr = import_optional('gradio', 'app', 'mmdet-efpn app')
    fastapi = import_optional('fastapi', 'app', 'mmdet-efpn app')
    app = fastapi.FastAPI(openapi_url=None)
    _add_routes(app, bench, fastapi)
    plain = ['system-ui', 'sans-serif']  # names, so that no font is fetched
    gr.mount_gradio_app(
        app,
        make_page(bench, score, tiles, title),
        path='/',
        footer_links=[],
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        allowed_paths=[],
        blocked_paths=['/'],
        max_file_size=1,
        theme=gr.themes.Default(font=plain, font_mono=['monospace'], primary_hue='teal'),
        css=STYLE,
    )
    if host in LOOPBACK:
        hosts = import_optional('starlette.middleware.trustedhost', 'app', 'mmdet-efpn app')
        app.add_middleware(
            hosts.TrustedHostMiddleware, allowed_hosts=['127.0.0.1', 'localhost', '[::1]']
        )
    return OnlyThePage(app)


def _add_routes(app: Any, bench: Workbench, fastapi: Any) -> None:
    """The upload, the picture that is shown, and the JSON."""
    responses, shelf = fastapi.responses, bench.shelf

    def refused(error: UserError, status: int) -> Any:
        return responses.JSONResponse(dict(error=without_paths(str(error))), status)

    async def upload(request: Any) -> Any:
        name = request.query_params.get('name', 'picture')
        file, amount = shelf.new_file(), 0
        try:
            with file.open('wb') as out:
                async for chunk in request.stream():
                    amount += len(chunk)
                    shelf.limits.check_bytes(name, amount)
                    out.write(chunk)
            return responses.JSONResponse(dict(id=shelf.take(name, file)))
        except UserError as error:
            shelf.drop(file)
            return refused(error, 413)

    def shown(request: Any) -> Any:
        try:
            words = request.path_params
            return responses.FileResponse(bench.copy_of(words['number'], words['name']))
        except UserError as error:
            return refused(error, 404)

    def predictions(request: Any) -> Any:
        words = request.query_params
        try:
            score = float(words.get('score', 0.3))
            tiles = Tiles(int(words['tile']), int(words['overlap'])) if 'tile' in words else None
            text = bench.coco_json(request.path_params['number'], score, tiles)
        except UserError as error:
            return refused(error, 404)
        except (KeyError, ValueError):
            return refused(UserError('score, tile and overlap are numbers'), 400)
        headers = {'content-disposition': 'attachment; filename="predictions.json"'}
        return responses.Response(text, media_type='application/json', headers=headers)

    app.router.add_route('/picture', upload, methods=['POST'])
    app.router.add_route('/shown/{number}/{name}', shown, methods=['GET'])
    app.router.add_route('/predictions/{number}.json', predictions, methods=['GET'])


def serve(
    bench: Workbench,
    host: str = '127.0.0.1',
    port: int = 7860,
    score: float = 0.3,
    tiles: Tiles | None = None,
    title: str = '',
) -> None:
    """Serves the page until it is interrupted, and removes the uploads then.

    Args:
        bench: Detector and pictures.
        host: The address to listen on.
        port: The port; 0: a free one.
        score: As in :func:`make_app`.
        tiles: As there.
        title: As there.

    Raises:
        MissingPackageError: ``gradio`` is not installed.
        UserError: The port is taken, or the address is not this machine's.
    """
    try:
        app = make_app(bench, score, tiles, title, host)
        uvicorn = import_optional('uvicorn', 'app', 'mmdet-efpn app')
        with _listening(host, port) as listener:
            where = f'[{host}]' if ':' in host else host
            print(f'open http://{where}:{listener.getsockname()[1]} (Ctrl-C ends it)', flush=True)
            if host not in LOOPBACK:
                print(f'note: {host} is open to others, without a password', file=sys.stderr, flush=True)
            config = uvicorn.Config(app, log_level='warning', server_header=False)
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        bench.shelf.close()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(f'cannot listen on {host}, port {port}: {error}; --port names another') from None
