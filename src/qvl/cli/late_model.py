"""The typed answers of a model whose weights are read when the first answer is wanted.

Owns: nothing but the joining of the two. Does not own: when what is read (``late_engine``).
"""

import argparse
from pathlib import Path

from qvl.answers.methods import TypedAnswers
from qvl.cli.late_engine import LateEngine


class LateModel(TypedAnswers):
    """Offers the typed answers of a loaded model."""

    def __init__(self, folder: Path, args: argparse.Namespace) -> None:
        self.engine = LateEngine(folder, args)
