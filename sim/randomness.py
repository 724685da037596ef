"""Chance, as an argument: independent streams named by what they are for."""

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """Return the generator of one purpose, such as `stream(7, "weather", 3)`.

    Streams of different names are independent, and asking for one never moves another. The counter-based
    generator is Philox (Salmon et al. 2011), keyed by a hash of the seed and the names.
    """
    text = "\x1f".join([str(seed), *(f"{type(name).__name__}:{name}" for name in names)])
    key = np.frombuffer(hashlib.sha256(text.encode()).digest()[:16], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
