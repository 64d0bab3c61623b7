"""The words settings are written in: lengths of time, endpoints, names. For every `Settings` model."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(text: object) -> float:
    """ "500ms", "5s", "10m", "2h", "30d" in seconds. Raises ValueError saying how to write it."""
    match = _LENGTH.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ValueError('a length of time is written like "500ms", "5s", "10m", "2h" or "30d"')
    return float(match[1]) * _SECONDS[match[2]]


def _endpoint(text: str) -> str:
    kind, _, rest = text.partition(":")
    if not kind.isalnum() or not rest:
        raise ValueError('an endpoint is written like "tcp:127.0.0.1:9100"')
    return text


Duration = Annotated[float, BeforeValidator(seconds)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class Settings(BaseModel):
    """A frozen table of the site's file: an unknown key is a fault, never a silent typo."""

    model_config = ConfigDict(frozen=True, extra="forbid")
