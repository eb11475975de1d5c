#!/usr/bin/env bash
# Runs a training recipe, every stage on several GPUs of this machine, or on CPU processes without GPUs.
# Environment: OMP_NUM_THREADS, PYTHON.
set -euo pipefail
usage='dist_train_recipe.sh RECIPE PROCESSES [train_recipe.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 2 "$@"
if [[ ${NNODES:-1} != 1 ]]; then
    echo "dist_train_recipe.sh works on one machine, NNODES is $NNODES; use slurm_train_recipe.sh for several" >&2
    exit 2
fi
exec "${PYTHON:-python}" "$tools_dir/train_recipe.py" "$1" --processes "$2" "${@:3}"
