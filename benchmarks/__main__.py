"""`make bench`: measure what docs/explanation/performance.md tells, on this machine, now.

Speed is told, never asserted: the exit code is 0 when everything could be measured, whatever came out.
"""

from __future__ import annotations

import argparse
import importlib
import shutil
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.verdict import Aim

#: What there is, in the order it is run, and about how long each takes, seconds: some sixteen minutes.
BENCHMARKS = {
    "parse": 20.0,
    "acks": 85.0,
    "paper": 60.0,
    "failover": 75.0,
    "printers": 40.0,
    "pages": 16.0,
    "restart": 75.0,
    "stalls": 40.0,
    "bus": 100.0,
    "busrate": 60.0,
    "handback": 60.0,
    "calls": 75.0,
    "rings": 5.0,
    "ipp": 30.0,
    "mail": 60.0,
    "posts": 40.0,
    "large": 60.0,
    "flat": 120.0,
    "fax": 90.0,
}


#: Those that take `--size`.
SIZED = ("handback", "flat")

#: Where one does not stand in the module of its name.
MODULES = {"printers": "fanout"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHMARKS)}")
    parser.add_argument("--seconds", type=float, help="how long each may take, about")
    parser.add_argument("--size", type=int, help="how many messages: handed back, or mails")
    parser.add_argument("--folder", type=Path, default=Path("var/benchmarks"))
    options = parser.parse_args()
    names = options.names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"there is no {', '.join(unknown)}: there is {', '.join(BENCHMARKS)}")
    folder = options.folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    failed = [name for name in names if not _measure(name, folder, options)]
    if failed:
        print(f"\ncould not be measured: {', '.join(failed)}; logs under {folder}")
    return 1 if failed else 0


def _measure(name: str, folder: Path, options: argparse.Namespace) -> bool:
    module = importlib.import_module(f"benchmarks.{MODULES.get(name, name)}")
    began = time.monotonic()
    print(
        f"\n== {name}: {str(module.__doc__).splitlines()[0]}\n{machine.described(folder)}",
        flush=True,
    )
    try:
        more = {"size": options.size} if options.size and name in SIZED else {}
        aims: Iterator[Aim] = module.run(folder, options.seconds or BENCHMARKS[name], **more)
        for aim in aims:
            print(aim, flush=True)
    except Exception:  # noqa: BLE001 - the others can still be measured
        traceback.print_exc()
        return False
    finally:
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    shutil.rmtree(folder / MODULES.get(name, name), ignore_errors=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
