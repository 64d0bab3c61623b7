"""A network of its own with one cable to this machine, which can be cut without a trace (Linux, root)."""

from __future__ import annotations

import os
import subprocess


def possible() -> bool:
    """Whether this process may make one."""
    return os.geteuid() == 0


class Network:
    """A network namespace; `prefix` goes before a command that is to run inside."""

    def __init__(self) -> None:
        tag = os.getpid() % 16384
        self.name, self._here, self._there = f"wl{tag}", f"wlh{tag}", f"wlt{tag}"
        block = 4 * tag
        self.host = f"10.213.{block // 256}.{block % 256 + 2}"
        near = f"10.213.{block // 256}.{block % 256 + 1}"
        self._run("ip", "netns", "add", self.name)
        self._run(
            *("ip", "link", "add", self._here, "type", "veth"),
            *("peer", "name", self._there, "netns", self.name),
        )
        self._run("ip", "addr", "add", f"{near}/30", "dev", self._here)
        self._run("ip", "link", "set", self._here, "up")
        self._inside("ip", "addr", "add", f"{self.host}/30", "dev", self._there)
        self._inside("ip", "link", "set", self._there, "up")
        self._inside("ip", "link", "set", "lo", "up")

    @property
    def prefix(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def drop(self) -> None:
        """From now on every packet either way vanishes."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._inside("iptables", "-A", chain, way, self._there, "-j", "DROP")

    def restore(self) -> None:
        self._inside("iptables", "-F")

    def close(self) -> None:
        self._run("ip", "netns", "del", self.name)

    def _inside(self, *words: str) -> None:
        self._run(*self.prefix, *words)

    def _run(self, *words: str) -> None:
        subprocess.run(words, check=True, capture_output=True)
