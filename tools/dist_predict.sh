#!/usr/bin/env bash
# Predicts on several GPUs, or in several CPU processes where there is no GPU; each has a share of the pictures.
# Environment: NNODES, NODE_RANK, MASTER_ADDR, PORT (several machines; one alone picks a free port), PYTHON.
set -euo pipefail
usage='dist_predict.sh CONFIG CHECKPOINT PROCESSES PICTURES ... [predict.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 4 "$@"
run_local predict.py "$3" "$1" "$2" "${@:4}"
