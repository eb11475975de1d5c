#!/usr/bin/env bash
# Predicts on a Slurm cluster; each process has a share of the pictures.
# Environment: GPUS (8), GPUS_PER_NODE (8, or GPUS if fewer), CPUS_PER_TASK (5), SRUN_ARGS, PYTHON.
set -euo pipefail
usage='slurm_predict.sh PARTITION JOB_NAME CONFIG CHECKPOINT PICTURES ... [predict.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 5 "$@"
run_slurm predict.py "$1" "$2" "$3" "$4" "${@:5}"
