"""The page in headless Chromium, and over HTTP; skipped without gradio, playwright or chromium."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

pytest.importorskip('gradio')
CHROMIUM = shutil.which('chromium')
FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking'
)
FLAGS += ' --disable-component-update --disable-sync'
WAIT = 20_000  # ms


@pytest.fixture(scope='module')
def address(tiny_config, trained, child_environment, tmp_path_factory):
    """Where the page is: of the tiny detector, up to 0.1 MB and 100,000 pixels, from score 0.2."""
    folder = tmp_path_factory.mktemp('app')
    words = ['app', tiny_config, trained, '--port', '0', '--max-mb', '0.1', '--max-pixels', '100000']
    with (folder / 'errors').open('wb') as errors:
        process = subprocess.Popen(
            [sys.executable, '-m', 'mmdet_efpn', *map(str, words), '--score', '0.2', '--device', 'cpu'],
            env=dict(child_environment, TMPDIR=str(folder)),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        line = process.stdout.readline()
        while line and not line.startswith('open '):
            line = process.stdout.readline()
        assert line, (folder / 'errors').read_text()[-3000:]
        yield line.split()[1]
    finally:
        process.terminate()
        process.wait(30)


def get(address, data=None, **headers):
    """Status and text of an answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, headers)) as reply:
            return reply.status, reply.read().decode(errors='replace')
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors='replace')


def test_no_file_and_no_path_comes_out(address, tiny_coco, repository):
    for path in (
        '/gradio_api/file=/etc/passwd',
        '/gradio_api/file%3D/etc/passwd',
        '/file=/etc/passwd',
        '/file/etc/passwd',
        '/gradio_api/proxy=http://127.0.0.1/',
        '/static/..%2f..%2f..%2f..%2fetc/passwd',
        '/assets/%2e%2e/%2e%2e/config.json',
        '/shown/..%2f/passwd',
        '/shown/abc/copy.png',
        '/predictions/abc.json',
    ):
        status, text = get(address + path)
        assert status == 404, path
        assert 'root:' not in text
    assert get(f'{address}/gradio_api/upload', b'--x\r\n')[0] == 404
    assert get(address, Host='example.org')[0] == 400
    content = (tiny_coco / 'images' / '0.png').read_bytes()
    status, text = get(f'{address}/picture?name=/home/ann/a.png', content)
    assert status == 200
    answers = [get(address)[1], get(f'{address}/config')[1], text]
    answers.append(get(f'{address}/predictions/{json.loads(text)["id"]}.json')[1])
    answers.append(get(f'{address}/picture?name=/home/ann/a.png', content[:30])[1])
    assert 'a.png' in answers[-1]
    for text in answers:
        assert not re.search(r'/(tmp|home|root|usr|work)/', text), text[:300]
        assert str(repository) not in text


@pytest.fixture(scope='module')
def browser():
    sync_api = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('chromium is not installed')
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, address):
    """The page, opened; at the end nothing must have been asked of another host."""
    page = browser.new_page(viewport=dict(width=1280, height=900))
    asked = []
    page.on('request', lambda request: asked.append(request.url))
    page.goto(address)
    page.wait_for_selector('.efpn-drop', timeout=WAIT)
    yield page
    page.close()
    foreign = [url for url in asked if not url.startswith((address, 'data:', 'blob:'))]
    assert asked
    assert foreign == []


def predicted(command, config, weights, picture, out, *words):
    words = ['--format', 'coco', '--score', '0.2', '--device', 'cpu', *words]
    assert command('predict', config, weights, picture, '--out', out, *words)[0] == 0
    return json.loads((out / 'predictions.json').read_text())['annotations']


def wait_for_count(page, amount):
    page.wait_for_selector(f'#found [data-count="{amount}"]', timeout=WAIT)
    assert page.locator('g.efpn-box').count() == amount


def set_score(page, score):
    field = page.locator('#score input[type=number]')
    field.fill(str(score))
    field.press('Enter')


def test_boxes_are_those_of_predict(page, tiny_config, trained, tiny_coco, command, tmp_path):
    picture = tiny_coco / 'images' / '1.png'
    wanted = predicted(command, tiny_config, trained, picture, tmp_path / 'whole')
    assert wanted
    page.set_input_files('.efpn-drop input', picture)
    wait_for_count(page, len(wanted))
    assert page.locator('#found tbody tr').count() == len(wanted)
    with page.expect_download() as download:
        page.click('#download a')
    assert json.loads(download.value.path().read_text())['annotations'] == wanted

    page.click('[data-zoom=one]')
    assert page.locator('.efpn-percent').inner_text() == '100 %'
    page.click('[data-zoom=in]')
    assert page.locator('.efpn-percent').inner_text() == '150 %'
    scores = [one['score'] for one in wanted]
    middle = round(sorted(scores)[len(scores) // 2], 2)
    set_score(page, middle)
    wait_for_count(page, sum(score >= middle for score in scores))
    assert page.locator('.efpn-percent').inner_text() == '150 %'  # the zoom stays
    set_score(page, 0.2)
    wait_for_count(page, len(wanted))

    words = ('--tile', '40', '--overlap', '8')
    tiled = predicted(command, tiny_config, trained, picture, tmp_path / 'tiled', *words)
    page.locator('#mode label').nth(1).click()
    for name, value in (('tile', 40), ('overlap', 8)):
        page.locator(f'#{name} input').fill(str(value))
        page.locator(f'#{name} input').press('Enter')
    page.wait_for_selector('#found >> text=/\\d+ tiles/', timeout=WAIT)
    page.wait_for_selector('#download a[href*="tile=40&overlap=8"]', timeout=WAIT)
    wait_for_count(page, len(tiled))


def test_too_large_uploads_are_refused(page, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (250, 250, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'heavy.png')
    Image.new('L', (500, 300)).save(tmp_path / 'wide.png')
    (tmp_path / 'notes.png').write_text('no picture')
    for name, said in (
        ('heavy.png', 'heavy.png is too large: at most 0.1 MB are taken'),
        ('wide.png', 'wide.png has 500 x 300 = 0.1 million pixels: at most 0.1 million are taken'),
        ('notes.png', 'notes.png is no picture that can be read'),
    ):
        page.set_input_files('.efpn-drop input', tmp_path / name)
        page.wait_for_selector(f'#found .efpn-refused >> text={said}', timeout=WAIT)
        assert page.locator('#download a').count() == 0


def test_too_many_bytes_are_refused_by_the_server_too(address):
    status, text = get(f'{address}/picture?name=big.png', bytes(200_000))
    assert (status, json.loads(text)['error']) == (413, 'big.png is too large: at most 0.1 MB are taken')
    assert os.sep + 'tmp' not in text
