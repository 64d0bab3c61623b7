"""Who may log in: names and argon2 hashes, one `name:$argon2id$…` a line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHash

#: What is hashed for a name that is not there, so that names cannot be told by the time it takes.
_NOBODY = cache(lambda: PasswordHasher().hash(""))


def read(path: Path) -> Mapping[str, str]:
    """Hashes by name. Raises OSError, or ValueError naming the line that is none."""
    users: dict[str, str] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.strip().partition(":")
        if not name or not hashed.startswith("$argon2"):
            raise ValueError(f"{path}:{number}: write name:$argon2id$…")
        users[name] = hashed
    return users


def check(users: Mapping[str, str], name: str, password: str) -> bool:
    """Whether this is the password of `name`; takes 50 ms or more, so not in the reactor."""
    try:
        PasswordHasher().verify(users.get(name) or _NOBODY(), password)
    except (Argon2Error, InvalidHash):
        return False
    return name in users
