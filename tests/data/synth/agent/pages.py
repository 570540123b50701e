"""Screens for tests, and whether there is a browser to show them."""

import numpy as np
import pytest

from qvl.data.synth.agent.look import Device
from qvl.data.synth.agent.stage import stage
from qvl.errors import MissingDependencyError
from qvl.geometry import ImageSize
from qvl.messages import Image

DESKTOP = Device(size=ImageSize(728, 1288))
PHONE = Device(size=ImageSize(784, 364), is_mobile=True)


def _has_browser() -> bool:
    page = "<script id='state' type='application/json'>{}</script>"
    try:
        with stage(page, PHONE):
            return True
    except MissingDependencyError:
        return False


needs_browser = pytest.mark.skipif(
    not _has_browser(), reason="needs playwright and Chromium: apt-get install chromium"
)


def rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(part: object) -> np.ndarray:
    assert isinstance(part, Image)
    assert isinstance(part.source, np.ndarray)
    return part.source
