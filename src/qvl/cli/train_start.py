"""``qvl train start``: a model to begin the report's stages from, made of a text model and a tower.

qvl train start --text Qwen/Qwen2.5-3B --output start
qvl train stage vision_pretrain --model start --data shards
"""

import argparse
from pathlib import Path

from qvl.cli.terminal import note, write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--text", required=True, metavar="NAME", help="Qwen2.5 text model: hub name or folder"
    )
    parser.add_argument(
        "--tower", metavar="NAME", help="model whose vision tower is taken; default: a random one"
    )
    parser.add_argument("--output", required=True, metavar="DIR", help="new folder of the model")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is random")


def start(args: argparse.Namespace) -> int:
    """Writes the folder and prints its name."""
    from qvl.checkpoint import hub
    from qvl.model.cost import num_parameters
    from qvl.recipes.start import start_model

    output = Path(args.output)
    tower = None if args.tower is None else hub.resolve(args.tower)
    config = start_model(hub.resolve(args.text), output, tower=tower, seed=args.seed)
    sight = "a random tower" if tower is None else f"the tower of {args.tower}"
    note(f"{num_parameters(config):,} parameters: {args.text} with {sight}")
    write(str(output))
    return 0
