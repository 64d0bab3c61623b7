"""What can be plugged in: one line per way in, way out and platform, imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

INTAKES: Mapping[str, str] = {
    "mllp": "gateway.intakes.mllp",
}

CHANNELS: Mapping[str, str] = {
    "escpos": "gateway.channels.escpos",
}

PLATFORMS: Mapping[str, str] = {
    "mllp": "gateway.channels.platform",
}


class Unknown(Exception):
    """No such kind; the message names those there are."""


def load(registry: Mapping[str, str], kind: str) -> Any:
    """The module that fills `kind`: it has a `Settings` model and a `build` function.

    Raises Unknown, also when an optional package that the kind needs is not installed.
    """
    if kind not in registry:
        raise Unknown(f'no kind "{kind}": there is {", ".join(sorted(registry))}')
    try:
        return import_module(registry[kind])
    except ModuleNotFoundError as missing:
        raise Unknown(f'kind "{kind}" needs the package {missing.name}: install it') from missing
