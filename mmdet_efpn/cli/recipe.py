"""Train in several stages, or train several designs to compare.

Each stage goes on from the checkpoint of the one before. The same command goes on where a run was
stopped. Of a recipe of independent trainings, several runs at a time share the stages out. Other
arguments (--amp, --auto-scale-lr, ...) go to the training of every stage.
"""

import argparse

from .options import add_cfg_options, positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``mmdet-efpn recipe``."""
    parser.add_argument(
        'recipe', help='path of a recipe: a config file with recipe = dict(stages=[...])'
    )
    parser.add_argument(
        '--work-dir', metavar='DIR', help='folder of all stages (default: work_dirs/RECIPE_NAME)'
    )
    parser.add_argument(
        '--load-from',
        metavar='CHECKPOINT',
        help='weights that the first stage, or each independent one, starts from',
    )
    add_cfg_options(parser, 'changes to the config of every stage')
    processes = parser.add_mutually_exclusive_group()
    processes.add_argument(
        '--processes',
        type=positive,
        metavar='N',
        help='processes (GPUs) of every stage on this machine, as dist_train.sh',
    )
    processes.add_argument(
        '--slurm',
        nargs=2,
        metavar=('PARTITION', 'JOB_NAME'),
        help='run every stage through srun, as slurm_train.sh',
    )


def parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Reads the arguments; what the recipe does not know must be known to ``mmdet-efpn train``."""
    from . import train

    args, args.passed_on = parser.parse_known_args(words)
    known = type(parser)(prog=parser.prog, add_help=False, allow_abbrev=False)
    train.add_arguments(known)
    known.parse_args(['CONFIG', *args.passed_on])
    return args


def run(args: argparse.Namespace) -> None:
    """Runs the recipe and prints its table."""
    from .. import recipes

    launch = recipes.Launch(
        args.processes, tuple(args.slurm) if args.slurm else None, tuple(args.passed_on)
    )
    stages = recipes.run_recipe(args.recipe, args.work_dir, args.load_from, args.cfg_options, launch)
    print(recipes.table(stages), flush=True)
    for stage in stages:
        if stage.result() is None:
            print(f'not finished: {stage.name}', flush=True)
