"""docker-compose.yml, really brought up: an outage played through containers that are not root."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

pytestmark = [pytest.mark.system, pytest.mark.slow]

TOP = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PACKAGES = ("podman", "runc", "debootstrap", "netavark", "aardvark-dns")
BASE = "debian:bookworm-slim"
# With podman, images for the telephone take two minutes more: only where that is asked for.
TELEPHONE = "WARDLINE_TEST_TELEPHONE"
# Stands in for the image of that name, which cannot be pulled here: the same broker, Debian's.
RABBITMQ, RABBITMQ_FILE = (
    "rabbitmq:4",
    f"""\
FROM {BASE}
RUN apt-get update && apt-get install -y --no-install-recommends rabbitmq-server
USER rabbitmq
CMD ["rabbitmq-server"]
""",
)

# crun refuses hybrid control groups and the default limits are refused to a root without all
# capabilities; nothing of this machine's own podman is touched.
CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
events_logger = "file"
tmp_dir = "{room}/tmp"
[network]
network_backend = "netavark"
network_config_dir = "{room}/networks"
"""
STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{room}/graph"
runroot = "{room}/run"
"""

RESULT = (
    "MSH|^~\\&|LIS|HEX|WARDLINE|HEX|20261123101500||ORU^R01^ORU_R01|{id}|P|2.5|||||FRA|UNICODE UTF-8\r"
    "PID|1||69102274^^^HEX^PI||TESTUT^AMÉLIE||19570412|F\r"
    "PV1|1|I|CARD^412^1\r"
    "OBR|1|C1{id}|L1{id}|CHEM^Chimie^L|||20261123094000\r"
    "OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|{flag}|||F\r"
)


@dataclass(frozen=True, kw_only=True)
class Box:
    """The composed site: an engine's compose command, and how to look inside."""

    compose: Sequence[str]
    port: int
    room: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def up(self, *services: str) -> None:
        build = ["--build"] if self.compose[0] == "docker" else ["--no-build"]
        self.run("up", "-d", *build, *services)

    def run(self, *words: str) -> str:
        """One compose command's output; AssertionError with what it said when it fails."""
        done = subprocess.run(
            [*self.compose, *words],
            cwd=TOP,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    def inside(self, service: str, *words: str) -> str:
        return self.run("exec", "-T", service, *words)

    @contextmanager
    def beside(self, service: str, *words: str) -> Iterator[None]:
        """The same for as long as the block lasts."""
        process = subprocess.Popen(
            [*self.compose, "exec", "-T", service, *words],
            cwd=TOP,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def send(self, control_id: str, *, value: str, flag: str = "N") -> str:
        """What `wardline send` says of one result sent to the site's port."""
        sample = self.room / f"{control_id}.hl7"
        sample.write_text(RESULT.format(id=control_id, value=value, flag=flag), "utf-8", newline="")
        to = f"tcp:127.0.0.1:{self.port}"
        done = subprocess.run(
            [BIN / "wardline", "send", sample, "--to", to],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def message(self, control_id: str) -> dict[str, object]:
        listed = self.inside(
            "wardline", "wardline", "messages", "--config", "/etc/wardline/site.toml", "--json",
            "--control-id", control_id,
        )  # fmt: skip
        found: list[dict[str, object]] = json.loads(listed)
        return found[0] if found else {}

    def logs(self, service: str) -> str:
        """Everything it has said, on either stream."""
        done = subprocess.run(
            [*self.compose, "logs", service], cwd=TOP, env=self.env, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    def slips(self, printer: str) -> str:
        return self.inside(printer, "sh", "-c", "cat /var/lib/wardline/slip-*.txt 2>/dev/null || :")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    room = tmp_path_factory.mktemp("containers")
    engine = _docker() or _podman(room)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    compose, env = engine
    project = f"wardline-{os.getpid()}"
    site = Box(
        compose=[*compose, "-p", project],
        port=port,
        room=room,
        env={**env, "WARDLINE_PORT": str(port)},
    )
    try:
        site.up()
        yield site
    finally:
        site.run("down", "-v")
        if compose[0] != "docker":
            _forget(room, env)


def test_a_result_reaches_the_platform_while_it_is_up(box):
    _until(lambda: ": AA" in box.send("UP1", value="4.1"), "the site to answer")

    _until(lambda: box.message("UP1").get("state") == "delivered", "UP1 to be delivered")

    assert [a["outcome"] for d in box.message("UP1")["deliveries"] for a in d["attempts"]] == [
        "delivered"
    ]
    assert "TESTUT" not in box.slips("cardio")


def test_with_the_platform_stopped_the_slip_comes_out_at_the_ward(box):
    box.run("stop", "platform")

    answer = box.send("DOWN1", value="6.9")

    assert ": AA" in answer
    _until(lambda: "6,9" in box.slips("cardio") or "6.9" in box.slips("cardio"), "the slip")
    slip = box.slips("cardio")
    assert "TESTUT" in slip
    assert "69102274" in slip
    assert "MODE DÉGRADÉ" in slip
    assert "n° 0001" in slip


def test_what_must_last_outlives_the_container(box):
    before = box.message("DOWN1")
    assert before

    box.run("kill", "wardline")
    box.up("wardline")

    _until(lambda: ": AA" in box.send("AGAIN1", value="4.4"), "the site to answer again")
    after = box.message("DOWN1")
    assert (after["id"], after["received_at"]) == (before["id"], before["received_at"])


@pytest.mark.parametrize("service", ["wardline", "platform", "cardio"])
def test_no_container_runs_as_root(box, service):
    if service == "platform":
        box.run("start", "platform")

    assert box.inside(service, "id", "-u").strip() == "10001"


@pytest.fixture(scope="module")
def bus(box: Box) -> Iterator[Box]:
    """The same site with a RabbitMQ in the platform's place."""
    if box.compose[0] != "docker":
        _image(box.room, box.env, RABBITMQ, RABBITMQ_FILE)
    box.run("down")
    site = {"WARDLINE_SITE": "docker-compose.bus.toml", "COMPOSE_PROFILES": "bus"}
    box = replace(box, env={**box.env, **site})
    try:
        box.up()
        yield box
    finally:
        box.run("down", "-v")


def test_a_bus_stands_in_the_platforms_place_and_its_failure_brings_paper(bus):
    _until(lambda: ": AA" in bus.send("BUS1", value="4.2"), "the site to answer")
    _until(lambda: '"BUS1"' in bus.logs("dpi"), "the wards' software to receive it")

    bus.run("kill", "bus")
    assert ": AA" in bus.send("BUS2", value="7.3")
    _until(lambda: "7.3" in bus.slips("cardio"), "the slip")

    bus.run("start", "bus")
    _until(lambda: '"BUS2"' in bus.logs("dpi"), "what was printed to be handed back")
    assert "wardline-handback" in bus.logs("dpi").partition('"BUS2"')[2]


@pytest.fixture(scope="module")
def telephone(box: Box) -> Iterator[Box]:
    """The same site with an Asterisk and a telephone in Cardiologie."""
    if box.compose[0] != "docker":
        if not os.environ.get(TELEPHONE):
            pytest.skip(f"podman builds Asterisk's image only with {TELEPHONE}=1")
        _make_base(box.room, box.env, "forky")
        _podman_build(
            box.env, "-t", "wardline-asterisk", "-f", str(TOP / "dialplans/Dockerfile"), str(TOP)
        )
    box.run("down")
    site = {"WARDLINE_SITE": "docker-compose.telephone.toml", "COMPOSE_PROFILES": "telephone"}
    box = replace(box, env={**box.env, **site})
    try:
        box.up()
        yield box
    finally:
        box.run("down", "-v")


def test_a_telephone_is_rung_for_a_critical_result_and_what_is_keyed_acknowledges_it(telephone):
    box, room = telephone, "/tmp/telephone"
    _until(lambda: ": AA" in box.send("CALL1", value="4.2"), "the site to answer")
    _until(lambda: "asterisk.up" in box.logs("wardline"), "Asterisk to be there")
    assert box.inside("asterisk", "id", "-u").strip() == "10001"
    with box.beside(
        *("wardline", "sh", "-c"),
        f"exec python3 -m demo.telephone --server 127.0.0.1:5060 --number 4711 --out {room}"
        ' --password "$(cat /etc/wardline/asterisk.secret)"'
        " '1' '1007#' '271828#' '1' '6*9#'",
    ):
        _until(lambda: box.inside("wardline", "ls", room), "the telephone to be known")
        box.run("stop", "platform")

        assert ": AA" in box.send("CALL2", value="6.9", flag="HH")

        def called() -> bool:
            deliveries = box.message("CALL2")["deliveries"]
            return any(d["channel"] == "call" and d["state"] == "delivered" for d in deliveries)

        _until(called, "the call to be acknowledged", within=120.0)
    assert "then presses 6*9#" in box.inside("wardline", "cat", f"{room}/transcript.txt")
    assert "CRITIQUE" in box.slips("cardio")


def _until(true: Callable[[], object], what: str, *, within: float = 60.0) -> None:
    """Wait for something real; AssertionError naming it when it does not come."""
    end = time.monotonic() + within
    while True:
        try:
            if true():
                return
        except AssertionError:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end, f"waited {within:g} s for {what}"
        time.sleep(0.3)


def _docker() -> tuple[list[str], dict[str, str]] | None:
    """A Docker engine that is running, with its compose."""
    compose = ["docker", "compose"]
    asked = (["docker", "info"], [*compose, "version"])
    if shutil.which("docker") and all(_quiet(words) for words in asked):
        return compose, dict(os.environ)
    return None


def _podman(room: Path) -> tuple[list[str], dict[str, str]]:
    """Debian's podman with everything of its own in `room`, and images made there."""
    if os.geteuid() != 0 or not shutil.which("dpkg-query"):
        pytest.skip("no Docker engine is running, and podman here takes Debian and root")
    installed = subprocess.run([TOP / "tools/packages", *PACKAGES], check=False)
    if installed.returncode:
        pytest.skip(f"no container engine: {' '.join(PACKAGES)} cannot be installed")
    for name, text in (("containers.conf", CONTAINERS_CONF), ("storage.conf", STORAGE_CONF)):
        (room / name).write_text(text.format(room=room))
    env = {
        **os.environ,
        "CONTAINERS_CONF": str(room / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(room / "storage.conf"),
        "PATH": f"{BIN}:/usr/sbin:{os.environ['PATH']}",
    }
    _make_base(room, env, "bookworm")
    _build(room, env)
    return ["podman-compose"], env


def _make_base(room: Path, env: Mapping[str, str], suite: str) -> None:
    """The image that a Dockerfile asks for, out of Debian's packages: no image registry is needed."""
    root, scripts = room / "root", room / "debootstrap"
    if not scripts.exists():
        shutil.copytree("/usr/share/debootstrap", scripts, symlinks=True)
        forky = scripts / "scripts/forky"
        if not forky.exists():  # younger than this debootstrap: made as sid is
            forky.symlink_to("sid")
    env = {**env, "DEBOOTSTRAP_DIR": str(scripts)}
    if not _quiet(["debootstrap", "--variant=minbase", suite, str(root)], env):
        pytest.skip(f"no base image: Debian's packages of {suite} cannot be reached")
    shutil.rmtree(root / "var/cache/apt/archives")  # a third of it: the packages it was made of
    # A mirror of this machine's may be some weeks old.
    (root / "etc/apt/apt.conf.d/00mirror").write_text('Acquire::Check-Valid-Until "false";\n')
    pack = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
    with pack:
        subprocess.run(
            ["podman", "import", "-q", "-", f"debian:{suite}-slim"],
            stdin=pack.stdout,
            env=env,
            check=True,
        )
    shutil.rmtree(root)


def _build(room: Path, env: Mapping[str, str]) -> None:
    """The Dockerfile as it stands; pip inside trusts what this machine trusts."""
    trust = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
    mounts = []
    if Path(trust).is_file():
        (room / "pip.conf").write_text("[global]\ncert = /etc/build-ca.crt\n")
        mounts = ["-v", f"{room}/pip.conf:/etc/pip.conf:ro", "-v", f"{trust}:/etc/build-ca.crt:ro"]
    _podman_build(env, *mounts, "-t", "wardline", str(TOP))


def _image(room: Path, env: Mapping[str, str], tag: str, text: str) -> None:
    """An image of Debian's packages alone."""
    file = room / "Containerfile"
    file.write_text(text)
    _podman_build(env, "-t", f"docker.io/library/{tag}", "-f", str(file), str(room / "tmp"))


def _podman_build(env: Mapping[str, str], *more: str) -> None:
    words = ["podman", "build", "--layers=false", "--network=host", "--isolation=chroot", *more]
    built = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]


def _forget(room: Path, env: Mapping[str, str]) -> None:
    _quiet(["podman", "rmi", "--all", "--force"], env)
    _quiet(["umount", str(room / "graph/overlay")])
    shutil.rmtree(room, ignore_errors=True)


def _quiet(words: Sequence[str], env: Mapping[str, str] | None = None) -> bool:
    done = subprocess.run(words, env=env, capture_output=True, check=False)
    return done.returncode == 0
