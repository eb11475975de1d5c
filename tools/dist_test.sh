#!/usr/bin/env bash
# Tests on several GPUs, or on several CPU processes where there is no GPU.
# Environment: NNODES, NODE_RANK, MASTER_ADDR, PORT (several machines; one alone picks a free port), PYTHON.
set -euo pipefail
usage='dist_test.sh CONFIG CHECKPOINT PROCESSES [test.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 3 "$@"
run_local test.py "$3" "$1" "$2" "${@:4}"
