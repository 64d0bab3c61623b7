"""The power goes: whatever was not synced may be gone, whole or in part. What was acknowledged is not.

One run is traced with every byte it wrote. From that trace the disk is put together as it may have been
found at any moment: what was synced is there; of the rest each sector is, or is not, as chance has it.
(Killing a process shows nothing of this: the kernel keeps what a dead process wrote.)
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field

import pytest

from tests.system.store_nursery import Nursery, acked, check, empty_store, traced

pytestmark = pytest.mark.system

SECTOR = 512
CUTS = 150  # of each kind
CALL = re.compile(
    r"(?P<call>pwrite64|fdatasync|fsync|ftruncate|write)\(\d+<(?P<path>[^>]*)>(?:, (?P<rest>.*))?"
)


@dataclass
class File:
    """What the disk surely holds of a file, and the writes it may or may not hold yet."""

    synced: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)

    def sync(self):
        for offset, data in self.pending:
            put(self.synced, offset, data)
        self.pending.clear()

    def found(self, chance):
        """The file after the power went; `chance` says for each sector whether it made it."""
        content = bytearray(self.synced)
        for offset, data in self.pending:
            for start in range(0, len(data), SECTOR):
                if chance():
                    put(content, offset + start, data[start : start + SECTOR])
        return bytes(content)


def put(content, offset, data):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def text(quoted):
    return bytes.fromhex(quoted.replace("\\x", ""))


def events(trace):
    """What happened, in order: (call, file name, offset, bytes). A sync counts once it has returned."""
    unfinished = {}
    for line in trace.read_text().splitlines():
        thread = line.split(" ", 1)[0]
        if "resumed>" in line and line.endswith("= 0") and thread in unfinished:
            yield unfinished.pop(thread)
            continue
        match = CALL.search(line)
        if match is None:
            continue
        name = text(match["path"]).rsplit(b"/", 1)[-1].decode()
        event = (match["call"], name, *written(match))
        if "<unfinished" in line and match["call"] in {"fdatasync", "fsync"}:
            unfinished[thread] = event
        else:
            yield event


def written(match):
    if match["call"] not in {"pwrite64", "write"}:
        return 0, b""
    data, numbers = re.match(r'"([^"]*)", (.*)', match["rest"]).groups()
    sizes = re.findall(r"\d+", numbers)
    return int(sizes[1]) if match["call"] == "pwrite64" else 0, text(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One traced run: the store before it, and everything that happened."""
    nursery = Nursery(tmp_path_factory.mktemp("store"))
    empty = empty_store(tmp_path_factory.mktemp("empty"))
    calls = "trace=pwrite64,fdatasync,fsync,ftruncate,write"
    folder, code = nursery.run("-yy", "-xx", "-s", "5000", "-e", calls, store=empty)
    nursery.close()
    assert code == 0
    return empty.read_bytes(), list(events(folder / "trace"))


def moments(happened, before):
    """After each event: the files, and what had been said by then."""
    files = {"wardline.db": File(bytearray(before)), "wardline.db-wal": File()}
    spoken = b""
    for call, name, offset, data in happened:
        if name == "said":
            spoken += data
        elif name in files and call == "pwrite64":
            files[name].pending.append((offset, data))
        elif name in files and call in {"fdatasync", "fsync"}:
            files[name].sync()
        yield files, spoken


def put_together(folder, files, *, spoken, chance):
    folder.mkdir()
    for name, file in files.items():
        (folder / name).write_bytes(file.found(chance))
    (folder / "said").write_bytes(spoken)


@traced
@pytest.mark.parametrize("survives", [0.0, 0.5, 0.9, 1.0])
def test_when_the_power_goes_nothing_acknowledged_goes_with_it(run, tmp_path, survives):
    before, happened = run
    chance = random.Random(survives)
    cuts = {*chance.sample(range(len(happened)), CUTS), len(happened) - 1}
    acknowledged = 0
    for number, (files, spoken) in enumerate(moments(happened, before)):
        if number in cuts:
            folder = tmp_path / str(number)
            put_together(folder, files, spoken=spoken, chance=lambda: chance.random() < survives)
            check(folder)
            acknowledged += len(acked(folder))
    assert acknowledged > CUTS, "too little was at stake"


@traced
def test_without_its_syncs_this_would_have_shown_a_loss(run, tmp_path):
    before, happened = run
    lazy = [event for event in happened if event[0] not in {"fdatasync", "fsync"}]
    *_, (files, spoken) = moments(lazy, before)
    put_together(tmp_path / "cut", files, spoken=spoken, chance=lambda: False)

    with pytest.raises(KeyError):
        check(tmp_path / "cut")
