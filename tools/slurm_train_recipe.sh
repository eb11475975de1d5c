#!/usr/bin/env bash
# Runs a training recipe on a Slurm cluster: from the login node, every stage through srun.
# Environment: as slurm_train.sh.
set -euo pipefail
usage='slurm_train_recipe.sh PARTITION JOB_NAME RECIPE [train_recipe.py arguments ...]'
source "$(dirname "${BASH_SOURCE[0]}")/launch_common.sh"
need 3 "$@"
exec "${PYTHON:-python}" "$tools_dir/train_recipe.py" "$3" --slurm "$1" "$2" "${@:4}"
