# Shared by the launch scripts beside it (sourced, not run).

tools_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# Lets the tools find the package in a checkout that isn't installed.
export PYTHONPATH="$tools_dir/..${PYTHONPATH:+:$PYTHONPATH}"

# need COUNT "$@": prints the usage line and ends unless at least COUNT arguments were given.
need() {
    local count=$1
    shift
    if (($# < count)); then
        echo "usage: $usage" >&2
        exit 2
    fi
}

# run_local SCRIPT PROCESSES ARGUMENTS...: one process per GPU, or per share of the cores without GPUs.
run_local() {
    local script=$1 processes=$2
    shift 2
    if ! [[ $processes =~ ^[1-9][0-9]*$ ]]; then
        echo "number of processes must be a whole number from 1, got '$processes'; usage: $usage" >&2
        exit 2
    fi
    local nodes=${NNODES:-1}
    local meeting_point
    if [[ $nodes == 1 && -z ${PORT:-} ]]; then
        # A free port of this machine, taken while it is found: two runs never meet on one.
        meeting_point=(--standalone --local-addr 127.0.0.1)
    else
        meeting_point=(--nnodes "$nodes" --node-rank "${NODE_RANK:-0}"
            --master-addr "${MASTER_ADDR:-127.0.0.1}" --master-port "${PORT:-29500}")
    fi
    if [[ -z ${OMP_NUM_THREADS:-} ]]; then
        local threads=$(($(getconf _NPROCESSORS_ONLN) / processes))
        export OMP_NUM_THREADS=$((threads > 0 ? threads : 1))
    fi
    exec "${PYTHON:-python}" -m torch.distributed.run "${meeting_point[@]}" \
        --nproc-per-node "$processes" "$tools_dir/$script" "$@" --launcher pytorch
}

# run_slurm SCRIPT PARTITION JOB_NAME ARGUMENTS...: one task per GPU through srun.
run_slurm() {
    local script=$1 partition=$2 job_name=$3
    shift 3
    local gpus=${GPUS:-8}
    local gpus_per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
    local extra
    read -r -a extra <<<"${SRUN_ARGS:-}"
    exec srun --partition="$partition" --job-name="$job_name" --gres="gpu:$gpus_per_node" \
        --ntasks="$gpus" --ntasks-per-node="$gpus_per_node" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 "${extra[@]}" \
        "${PYTHON:-python}" -u "$tools_dir/$script" "$@" --launcher slurm
}
