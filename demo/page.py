"""A real page printer for the demo, where there is one: CUPS' ippeveprinter, which prints into a folder.

It refuses to start where no DNS-SD daemon runs, so a few lines of C stand in for one.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

MISSING = "no page printer here: apt-get install cups-ipp-utils gcc libc6-dev"

# What ippeveprinter asks of Avahi, and nothing behind it.
SHIM = """
#include <stdlib.h>
#define STUB(name, type, value) type name(void) { return value; }
STUB(avahi_client_errno, int, 0)
STUB(avahi_client_get_host_name_fqdn, char *, "localhost")
STUB(avahi_client_new, void *, malloc(8))
STUB(avahi_entry_group_add_service_strlst, int, 0)
STUB(avahi_entry_group_add_service_subtype, int, 0)
STUB(avahi_entry_group_commit, int, 0)
STUB(avahi_entry_group_free, int, 0)
STUB(avahi_entry_group_new, void *, malloc(8))
STUB(avahi_string_list_add_printf, void *, malloc(8))
STUB(avahi_string_list_free, int, 0)
STUB(avahi_threaded_poll_get, void *, malloc(8))
STUB(avahi_threaded_poll_lock, int, 0)
STUB(avahi_threaded_poll_new, void *, malloc(8))
STUB(avahi_threaded_poll_start, int, 0)
STUB(avahi_threaded_poll_unlock, int, 0)
"""
# Keeps what it printed, and counts every page of a PDF as a side.
_SCRIPT = """#!/bin/sh
cp "$1" {folder}/printed/page-$(ls {folder}/printed | wc -l).pdf
sides=$(grep -ac '/Type */Page[^s]' "$1")
echo "ATTR: job-impressions-completed=$([ "$sides" -gt 0 ] && echo "$sides" || echo 9)" >&2
"""


class NoPrinter(Exception):
    """It cannot be had on this machine; the message says what to do."""


def shim(folder: Path) -> Path:
    """The stand-in for Avahi, compiled into `folder`. Raises NoPrinter."""
    source, made = folder / "noavahi.c", folder / "noavahi.so"
    source.write_text(SHIM)
    words = ["gcc", "-shared", "-fPIC", "-w", "-o", str(made), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoPrinter(f"no stand-in for DNS-SD: {done.stderr[-200:]}")
    return made


class PagePrinter:
    """One printer on a free port, closed with its folder left for people to look at."""

    def __init__(self, folder: Path) -> None:
        """Raises NoPrinter."""
        if shutil.which("ippeveprinter") is None or shutil.which("gcc") is None:
            raise NoPrinter(MISSING)
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("printed", "spool", "keys"):
            (folder / name).mkdir(parents=True)
        self.folder = folder.absolute()
        script = self.folder / "print.sh"
        script.write_text(_SCRIPT.format(folder=self.folder))
        script.chmod(0o755)
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = int(held.getsockname()[1])
        self._process = self._start(shim(self.folder))

    @property
    def uri(self) -> str:
        return f"ipp://localhost:{self.port}/ipp/print"

    @property
    def printed(self) -> list[Path]:
        """What came out, oldest first: PDF files."""
        return sorted((self.folder / "printed").glob("*.pdf"))

    def close(self) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _start(self, stand_in: Path) -> subprocess.Popen[bytes]:
        words = ["ippeveprinter", "-p", str(self.port), "-n", "localhost", "-r", "off", "-k", "-2"]
        words += ["-d", str(self.folder / "spool"), "-K", str(self.folder / "keys")]
        words += ["-f", "application/pdf", "-c", str(self.folder / "print.sh"), "Page"]
        env = {**os.environ, "LD_PRELOAD": str(stand_in), "TMPDIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                words, stdout=log, stderr=log, env=env, start_new_session=True
            )
        end = time.monotonic() + 20
        while not self._speaks():
            if process.poll() is not None or time.monotonic() > end:
                raise NoPrinter(f"ippeveprinter does not start: {self.folder / 'log'}")
            time.sleep(0.05)
        return process

    def _speaks(self) -> bool:
        try:
            socket.create_connection(("localhost", self.port), 1).close()
        except OSError:
            return False
        return True
