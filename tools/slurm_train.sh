#!/usr/bin/env bash
# Trains on a Slurm cluster.
# Environment: GPUS (8), GPUS_PER_NODE (8, or GPUS if fewer), CPUS_PER_TASK (5), SRUN_ARGS, PYTHON.
set -euo pipefail
usage='slurm_train.sh PARTITION JOB_NAME CONFIG [WORK_DIR] [train.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 3 "$@"
if (($# > 3)) && [[ $4 != -* ]]; then
    run_slurm train.py "$1" "$2" "$3" --work-dir "$4" "${@:5}"
fi
run_slurm train.py "$1" "$2" "$3" "${@:4}"
