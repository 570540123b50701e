"""Molecules: assembled from fragments, as SMILES and as a drawing of their skeleton.

Owns: the fragments, checking by RDKit, the drawing. Does not own: where they stand (``layouts``).

    fragments -> SMILES -> RDKit: valence, canonical form -> SVG

Source: SMILES as in OpenSMILES 1.0; valence and drawing by RDKit.
"""

from typing import Any, NamedTuple

import numpy as np

from qvl.data.synth.picking import pick
from qvl.errors import DataError, MissingDependencyError

_CORES = (
    "c1ccc({})cc1", "c1ccc({})c({})c1", "c1cc({})cc({})c1", "c1ccnc({})c1", "c1cnc({})nc1",
    "C1CCC({})CC1", "C1CCN({})CC1", "C1COCCN1{}", "c1ccc2c({})cccc2c1", "c1ccc2[nH]c({})cc2c1",
    "C1CC1{}", "C1CCC({})C1", "c1csc({})c1", "c1coc({})c1", "C(=C{}){}", "C({})({})O",
    "[C@@H]({})(N)C(=O)O", "C#C{}", "O1CC({})OCC1", "c1cc({})c({})cc1Cl",
)  # fmt: skip
"""Each place takes a chain or a group."""
_CHAINS = ("", "", "C", "CC", "CCC", "C(C)C", "C=C", "OCC", "NC", "CNC(=O)", "C(=O)C", "SC")
_GROUPS = (
    "O", "N", "F", "Cl", "Br", "C(=O)O", "C(=O)N", "C#N", "[N+](=O)[O-]", "OC", "C(F)(F)F",
    "C(=O)OC", "S(=O)(=O)N", "C", "CC", "C(C)(C)C", "N(C)C", "c2ccccc2", "C=O", "OC(=O)C", "I",
)  # fmt: skip
_TRIES = 20


class Molecule(NamedTuple):
    """A molecule."""

    smiles: str
    """Canonical, as RDKit writes it."""
    formula: str
    """Such as C6H6O."""
    mass: float
    """Average, in g/mol."""


def molecule(rng: np.random.Generator) -> Molecule:
    """A molecule that can be drawn and whose atoms have the valences they may have.

    Raises:
        MissingDependencyError: RDKit is not installed.
    """
    chem = _rdkit()
    for _ in range(_TRIES):
        core = pick(rng, _CORES)
        arms = [pick(rng, _CHAINS) + pick(rng, _GROUPS) for _ in range(core.count("{}"))]
        found = chem.MolFromSmiles(core.format(*arms))
        if found is not None:
            from rdkit.Chem import rdMolDescriptors

            return Molecule(
                chem.MolToSmiles(found),
                rdMolDescriptors.CalcMolFormula(found),
                float(rdMolDescriptors._CalcMolWt(found)),
            )
    raise DataError(f"no molecule in {_TRIES} tries")


def drawn(rng: np.random.Generator, smiles: str, *, bond_px: float) -> str:
    """The skeleton of a molecule as SVG.

    Args:
        rng: turns it, and chooses the style.
        smiles: of the molecule.
        bond_px: length of a bond in CSS pixels.
    """
    chem = _rdkit()
    from rdkit.Chem.Draw import rdMolDraw2D

    picture = rdMolDraw2D.MolDraw2DSVG(-1, -1)
    options: Any = picture.drawOptions()
    if rng.random() < 0.7:
        options.useBWAtomPalette()
    options.clearBackground = False
    options.fixedBondLength = bond_px
    options.rotate = int(rng.choice([0, 0, 30, 90, 150]))
    options.bondLineWidth = max(1.0, bond_px / float(rng.uniform(14, 22)))
    options.minFontSize = options.maxFontSize = max(8, round(bond_px * 0.5))
    options.padding = 0.02
    picture.DrawMolecule(chem.MolFromSmiles(smiles))
    picture.FinishDrawing()
    text = picture.GetDrawingText()
    return str(text[text.index("<svg") :])


def _rdkit() -> Any:
    try:
        from rdkit import Chem, rdBase
    except ImportError as error:
        raise MissingDependencyError(
            "drawing molecules needs the package rdkit", hint="pip install 'qvl[data]'"
        ) from error
    rdBase.DisableLog("rdApp.*")  # tries that fail are expected
    return Chem
