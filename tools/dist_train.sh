#!/usr/bin/env bash
# Trains on several GPUs, or on several CPU processes where there is no GPU.
# Environment: NNODES, NODE_RANK, MASTER_ADDR, PORT (several machines; one alone picks a free port), PYTHON.
set -euo pipefail
usage='dist_train.sh CONFIG PROCESSES [train.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 2 "$@"
run_local train.py "$2" "$1" "${@:3}"
