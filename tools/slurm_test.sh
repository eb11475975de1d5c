#!/usr/bin/env bash
# Tests on a Slurm cluster.
# Environment: GPUS (8), GPUS_PER_NODE (8, or GPUS if fewer), CPUS_PER_TASK (5), SRUN_ARGS, PYTHON.
set -euo pipefail
usage='slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [test.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 4 "$@"
run_slurm test.py "$1" "$2" "$3" "$4" "${@:5}"
