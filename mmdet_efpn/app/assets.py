"""What the browser gets beside the page's content: style, and the scripts for dropping and zooming."""

STYLE = """
.efpn-drop { display: block; border: 2px dashed #00796b; border-radius: .5rem; padding: 1.4rem 1rem;
  text-align: center; cursor: pointer; }
.efpn-drop.over { background: #e0f2f1; color: #1d2430; }
.efpn-drop input { position: absolute; width: 1px; height: 1px; opacity: 0; }
.efpn-drop:focus-within { outline: 2px solid #00796b; }
.efpn-drop small { display: block; opacity: .75; margin-top: .3rem; }
.efpn-refused { border-left: 4px solid #c62828; background: #fdecea; color: #5f1412 !important;
  padding: .6rem .9rem; overflow-wrap: anywhere; }
.efpn-count { margin: 0 0 .5rem; font-size: 1.1rem; overflow-wrap: anywhere; }
.efpn-about { opacity: .75; font-size: .88rem; }
.efpn-bar { display: flex; flex-wrap: wrap; gap: .4rem; align-items: center; margin-bottom: .5rem; }
.efpn-bar button { border: 1px solid #8a93a0; border-radius: .3rem; min-width: 2.6rem;
  min-height: 2.2rem; padding: 0 .6rem; cursor: pointer; background: transparent; color: inherit; }
.efpn-bar button:hover { background: #00796b; color: #fff; }
.efpn-scroll { overflow: auto; max-height: 75vh; border: 1px solid #8a93a055; cursor: grab;
  overscroll-behavior: contain; touch-action: pan-x pan-y; }
.efpn-stage { position: relative; width: 100%; --zoom: 1; }
.efpn-stage img { display: block; width: 100%; height: auto; max-width: none; margin: 0; }
.efpn-stage.near img { image-rendering: pixelated; }
.efpn-stage svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.efpn-box rect { fill: transparent; vector-effect: non-scaling-stroke; }
.efpn-box .halo { stroke: #000; stroke-opacity: .55; stroke-width: 3.5px; }
.efpn-box .fine { stroke-width: 2px; }
.efpn-box .coarse { stroke-width: 1.5px; stroke-dasharray: 5 3; }
.efpn-box.chosen .fine, .efpn-box.chosen .coarse { stroke-width: 4px; }
.efpn-box text { display: none; font: 600 calc(12px / var(--zoom)) system-ui, sans-serif;
  transform: translateY(calc(-4px / var(--zoom)));
  paint-order: stroke; stroke: #000c; stroke-width: calc(3px / var(--zoom)); }
.efpn-stage.names text { display: inline; }
.efpn-legend { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; font-size: .88rem; margin: .5rem 0 0; }
.efpn-legend i, .efpn-table i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
.efpn-legend b { display: inline-block; width: 1.6em; margin-right: .4em; vertical-align: middle;
  border-top: 2px solid currentColor; }
.efpn-legend b.dashed { border-top-style: dashed; }
.efpn-table { overflow: auto; max-height: 24rem; }
.efpn-table table { border-collapse: collapse; width: 100%; font-size: .88rem; }
.efpn-table th, .efpn-table td { text-align: right; padding: .15rem .5rem; white-space: nowrap; }
.efpn-table th:nth-child(2), .efpn-table td:nth-child(2) { text-align: left; }
.efpn-table tbody tr { cursor: pointer; }
.efpn-table tbody tr:hover { background: #00796b33; }
footer { display: none !important; }
"""

DROP = """
const area = element.querySelector('.efpn-drop'), input = element.querySelector('input');
const said = element.querySelector('small'), before = said.textContent;
async function send(file) {
  if (!file) return;
  said.textContent = 'Sending ' + file.name + ' ...';
  let answer;
  try {
    if (file.size > props.largest) answer = {error: file.name + ' is too large: at most '
      + props.megabytes + ' MB are taken'};
    else {
      const name = encodeURIComponent(file.name);
      const reply = await fetch('picture?name=' + name, {method: 'POST', body: file});
      answer = await reply.json();
    }
  } catch (error) { answer = {error: file.name + ' could not be sent'}; }
  said.textContent = answer.error ? before : file.name + ' (drop another one here)';
  input.value = '';
  props.value = JSON.stringify(answer);
  trigger('submit');
}
input.addEventListener('change', () => send(input.files[0]));
for (const kind of ['dragenter', 'dragover', 'dragleave', 'drop'])
  area.addEventListener(kind, event => {
    event.preventDefault();
    area.classList.toggle('over', kind === 'dragenter' || kind === 'dragover');
    if (kind === 'drop') send(event.dataTransfer.files[0]);
  });
"""

# Zoom is the width of the stage in the width of the scrolling box around it. It is kept while the same
# picture is shown with other boxes.
VIEW = """
const state = {picture: '', zoom: 0, left: 0, top: 0, names: null};
const of = name => element.querySelector(name);
const parts = () =>
  ({found: of('.efpn-found'), scroll: of('.efpn-scroll'), stage: of('.efpn-stage')});
function apply(x, y) {
  const {found, scroll, stage} = parts();
  if (!found || !stage) return;
  const real = Number(found.dataset.width);
  const zoom = current(), old = stage.offsetWidth / real;
  const middle = [x ?? scroll.clientWidth / 2, y ?? scroll.clientHeight / 2];
  const point = [(scroll.scrollLeft + middle[0]) / old, (scroll.scrollTop + middle[1]) / old];
  stage.style.width = zoom * real + 'px';
  stage.style.setProperty('--zoom', zoom);
  stage.classList.toggle('near', zoom >= 2);
  scroll.scrollLeft = point[0] * zoom - middle[0];
  scroll.scrollTop = point[1] * zoom - middle[1];
  of('.efpn-percent').textContent = Math.round(zoom * 100) + ' %';
}
function current() {
  const {found, scroll} = parts();
  const {width, height} = found.dataset, room = innerHeight * 0.74;  // under max-height
  return state.zoom || Math.min(scroll.clientWidth / width, room / height);
}
function to(zoom, x, y) {
  state.zoom = Math.min(32, Math.max(0.02, zoom));
  apply(x, y);
}
function renewed() {
  const {found, scroll, stage} = parts();
  if (!found || found.dataset.ready) return;
  found.dataset.ready = 'yes';
  const same = state.picture === found.dataset.picture;
  if (!same) Object.assign(state,
    {picture: found.dataset.picture, zoom: 0, left: 0, top: 0, names: null});
  if (state.names !== null) stage.classList.toggle('names', state.names);
  const {left, top} = state;
  apply();
  scroll.scrollLeft = left;
  scroll.scrollTop = top;
  const keep = () => { state.left = scroll.scrollLeft; state.top = scroll.scrollTop; };
  scroll.addEventListener('scroll', keep);
  scroll.addEventListener('wheel', event => {
    event.preventDefault();
    const box = scroll.getBoundingClientRect();
    to(current() * Math.exp(-event.deltaY * 0.0015), event.clientX - box.left, event.clientY - box.top);
  }, {passive: false});
  let held = null;
  scroll.addEventListener('pointerdown', event => {
    if (event.pointerType === 'mouse') held = [event.clientX + scroll.scrollLeft,
      event.clientY + scroll.scrollTop];
  });
  scroll.addEventListener('pointermove', event => {
    if (!held) return;
    scroll.scrollLeft = held[0] - event.clientX;
    scroll.scrollTop = held[1] - event.clientY;
  });
  for (const kind of ['pointerup', 'pointerleave'])
    scroll.addEventListener(kind, () => { held = null; });
}
element.addEventListener('click', event => {
  const button = event.target.closest('[data-zoom]'), row = event.target.closest('[data-box]');
  const {scroll, stage} = parts();
  if (button) {
    const what = button.dataset.zoom;
    if (what === 'in') to(current() * 1.5);
    if (what === 'out') to(current() / 1.5);
    if (what === 'one') to(1);
    if (what === 'fit') { state.zoom = 0; apply(); }
    if (what === 'names') state.names = stage.classList.toggle('names');
  }
  if (row) {
    const [x1, y1, x2, y2] = row.dataset.box.split(',').map(Number);
    const side = Math.max(x2 - x1, y2 - y1, 1);
    to(Math.max(current(), Math.min(8, scroll.clientWidth / 4 / side)));
    scroll.scrollLeft = (x1 + x2) / 2 * state.zoom - scroll.clientWidth / 2;
    scroll.scrollTop = (y1 + y2) / 2 * state.zoom - scroll.clientHeight / 2;
    for (const box of element.querySelectorAll('.efpn-box')) box.classList.toggle('chosen',
      box.dataset.number === row.firstElementChild.textContent - 1 + '');
    scroll.scrollIntoView({block: 'nearest'});
  }
});
new MutationObserver(renewed).observe(element, {childList: true, subtree: true});
window.addEventListener('resize', () => apply());
renewed();
"""
