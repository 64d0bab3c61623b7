"""The folder between Wardline and Asterisk: files that cannot be guessed, are made once and taken away."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import unquote

#: Longest fax taken from the folder, bytes: 100 dense pages.
LONGEST = 32 * 2**20
#: Beside a call's file, what Asterisk said at its end: words, each percent-encoded. Events are lost with
#: the link, files are not.
END = ".end"


class Spool:
    """Of faxes that go out: `TOKEN.tif`, which the dialplan finds by the call's token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, tiff: bytes) -> str:
        """The token of the file that was made. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        token = secrets.token_hex(16)
        # Asterisk runs under another user: it reads as the folder's group.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(self._path(token), flags, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(tiff)
        return token

    def told(self, token: str) -> Mapping[str, str]:
        """How this file's call ended, in the fields of its event (`words.sent`); {} where nothing says."""
        said = end(self._path(token))
        fields = ("Status", "Pages", "Remote", "Resolution")
        return {"Token": token, **dict(zip(fields, said, strict=False))} if said else {}

    def remove(self, token: str) -> None:
        path = self._path(token)
        path.unlink(missing_ok=True)
        path.with_name(path.name + END).unlink(missing_ok=True)

    def clear(self, *, but: Collection[str] = ()) -> int:
        """Away with what an earlier process left here, `but` the files of these tokens; how many it were."""
        found = [*self._folder.glob(f"*.tif{END}"), *self._folder.glob("*.tif")]
        left = [path for path in found if path.name.partition(".")[0] not in but]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _path(self, token: str) -> Path:
        return self._folder / f"{token}.tif"


class TooLarge(OSError):
    """More than any fax is."""


def read(path: Path) -> bytes:
    """A file that Asterisk made, if it is one and no link or device. Raises OSError, TooLarge."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path.name}: not a file")
        data = file.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise TooLarge(path.name)
    return data


def end(path: Path) -> tuple[str, ...]:
    """What Asterisk wrote beside this file when its call ended; () where it wrote nothing."""
    try:
        text = read(path.with_name(path.name + END)).decode("ascii", "replace")
    except OSError:
        return ()
    return tuple(unquote(word) for word in text.strip("\r\n").split(" "))
