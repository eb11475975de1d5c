#!/usr/bin/env bash
# Everything that the docs say about GPUs, in one run of about seven minutes on one GPU:
#   bash benchmarks/gpu_report.sh [--tiny] [FOLDER]
# FOLDER (default: work_dirs/gpu_report) gets report.md, rows.jsonl, attention.json, profile.json, profile.png
# and steps.log. A step that fails or takes too long doesn't stop the next. --tiny tries the script in small.
# PYTHON names the interpreter: default .venv/bin/python where it is, else python3.
set -u
cd "$(dirname "$0")/.."
TINY=
[ "${1:-}" = --tiny ] && { TINY=1; shift; }
OUT=${1:-work_dirs/gpu_report}
if [ -e "$OUT/report.md" ]; then
    echo "gpu_report: $OUT holds a report; name another folder, or remove it" >&2
    exit 2
fi
mkdir -p "$OUT"
PYTHON=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
FAILED=

# step NAME SECONDS COMMAND...: runs under a time limit; its output goes to steps.log, its end to the screen
step() {
    local name=$1 seconds=$2 begun=$SECONDS
    shift 2
    echo "== $name" | tee -a "$OUT/steps.log"
    timeout --kill-after=10 "$seconds" "$@" >"$OUT/.step" 2>&1
    local code=$?
    cat "$OUT/.step" >>"$OUT/steps.log"
    grep -v '^timing\|^building\|^counting\|^profiling\|^memory of\|^warming' "$OUT/.step" | tail -n "${STEP_LINES:-16}"
    rm -f "$OUT/.step"
    echo "== $name: exit code $code after $((SECONDS - begun)) s" | tee -a "$OUT/steps.log"
    [ $code = 0 ] || FAILED="$FAILED $name"
}

report() { # PART SECONDS
    step "$1" "$2" "$PYTHON" -m benchmarks.gpu_report "$1" --out "$OUT" ${TINY:+--tiny}
}

R50=mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py
LIGHT=mmdet_efpn::coco/faster-rcnn_r50_efpn-light_1x_coco.py
if [ $TINY ]; then
    SIZE=64x96 GROUP="--sizes 8x12 --embed-dims 60 --num-heads 3 --window-size 4 --repeats 1" TESTS=tests/engine/precision
else
    SIZE=800x1344 GROUP="--sizes 112x176 208x336" TESTS=tests
fi
DEVICE=$("$PYTHON" -c 'import torch; print("cuda" if torch.cuda.is_available() else "cpu")')

report necks 110
report detectors 80
step attention 80 "$PYTHON" -m benchmarks.attention $GROUP --scaling --devices "$DEVICE" --json "$OUT/attention.json"
report x101 60
report compiled 150
report channels_last 40
step profile 60 "$PYTHON" -m mmdet_efpn cost $R50 $LIGHT --sizes $SIZE --batch-size 2 --amp bfloat16 --repeats 1 \
    --no-time --no-traffic --profile --json "$OUT/profile.json" --out "$OUT/profile.png"
step tests 120 "$PYTHON" -m pytest -q -p no:cacheprovider -m gpu $TESTS

echo "written: $OUT/report.md, $OUT/rows.jsonl"
[ -z "$FAILED" ] || { echo "failed:$FAILED; $OUT/steps.log tells why" >&2; exit 1; }
