"""A MariaDB server of one's own, in a folder, for as long as a run or a test needs it.

The server listens on loopback and on a socket, knows one user with a random password, and cannot outlive the
process that started it: it ends when the pipe that ties it to its starter closes, however the starter ended.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import pymysql

from cloudpits.domain.errors import StorageError
from cloudpits.local.loopback import HOST, free_port

DATABASE_URL = "CLOUDPITS_DATABASE_URL"
DATABASE = "experimentos"
USER = "administrator"  # another than the stacks give their database, which are created beside it
DEBIAN_PACKAGES = "mariadb-server-core mariadb-client-core"  # mariadb-server would start a service of its own

# Starts "$@" and ends it when standard input closes, which the kernel does for a starter that was killed.
_TIED_TO_STARTER = """
exec 3<&0
"$@" 3<&- &
server=$!
{ cat >/dev/null; kill $server; } <&3 2>/dev/null &
exec 3<&-
wait $server
"""
_LONGEST_SOCKET_PATH = 100  # Linux refuses more than 107 bytes
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 30.0
_ATTEMPTS = 3  # another process may take the free port between finding and using it; memory may be short for a moment
_FRUGAL = (  # a quarter of the default's disk (26 against 114 MB), and no kernel resource shared with other servers
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=8M",
    "--innodb-use-native-aio=OFF",
)


class PrivateMariaDb:
    """A MariaDB server whose data, log and socket live in ``folder``; data survive a stop and a new start.

    When the environment names an existing server (``CLOUDPITS_DATABASE_URL``), that one is used and nothing is
    started. Use as a context manager, or call ``start`` and ``stop``.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        self._folder = folder.absolute()
        self._named = environ.get(DATABASE_URL)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None
        self.port = 0
        self.password = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """``mysql://user:password@host:port/experimentos?unix_socket=…`` of the server."""
        if self._named:
            return self._named
        return (
            f"mysql://{USER}:{quote(self.password)}@{HOST}:{self.port}/{DATABASE}?unix_socket={quote(str(self.socket))}"
        )

    @property
    def socket(self) -> Path:
        """The Unix socket; elsewhere than in the folder when the folder's path is too long for one."""
        return (self._socket_folder or self._folder) / "mariadb.sock"

    @property
    def log(self) -> Path:
        """The server's error log."""
        return self._folder / "mariadb.log"

    @property
    def pid(self) -> int | None:
        """Process id of the server, None when it does not run or is not ours."""
        with contextlib.suppress(OSError, ValueError):
            return int((self._folder / "mariadb.pid").read_text(encoding="utf-8"))
        return None

    def start(self) -> str:
        """Start the server (about three seconds the first time) and return its URL; StorageError if it cannot."""
        if self._named or self._process:
            return self.url
        self._prepare_folder()
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = free_port()
            self._spawn()
            try:
                self._await_ready()
            except StorageError:
                self.stop()
                if attempt == _ATTEMPTS or "Address already in use" not in self._log_text():
                    raise
            else:
                break
        return self.url

    def stop(self) -> None:
        """End the server and wait until it is gone. Harmless when it does not run."""
        process, self._process = self._process, None
        if process and process.stdin:
            process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._kill(process)
        if self._socket_folder:
            shutil.rmtree(self._socket_folder, ignore_errors=True)
            self._socket_folder = None

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, 9)
        process.kill()
        process.wait()

    def _prepare_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if len(os.fsencode(self._folder / "mariadb.sock")) > _LONGEST_SOCKET_PATH:
                self._socket_folder = Path(tempfile.mkdtemp(prefix="cloudpits-db-"))
            self.password = self._stored_password()
        except OSError as error:
            raise StorageError(
                f"{self._folder}: cannot hold a database ({error.strerror}); choose another folder"
            ) from None
        if not (self._folder / "data" / "mysql").is_dir():
            self._install()

    def _stored_password(self) -> str:
        """The password given at the first start; readable by the owner alone."""
        path = self._folder / "password"
        path.touch(mode=0o600)
        if not path.read_text(encoding="utf-8"):  # new, or left empty by a start that was killed
            path.write_text(secrets.token_urlsafe(24), encoding="utf-8")
        return path.read_text(encoding="utf-8")

    def _install(self) -> None:
        installer = _binary("mariadb-install-db", "mysql_install_db")
        # A folder left by an interrupted installation would make the installer stop.
        shutil.rmtree(self._folder / "data", ignore_errors=True)
        for _attempt in range(_ATTEMPTS):
            shutil.rmtree(self._folder / "data.new", ignore_errors=True)
            code, said = self._run_installer(installer)
            if code == 0:
                (self._folder / "data.new").rename(self._folder / "data")
                return
        self.log.write_text(said, encoding="utf-8")
        reason = _first_error(said)
        raise StorageError(f"{installer} failed ({reason}); see {self.log}, free disk space or choose another folder")

    def _run_installer(self, installer: str) -> tuple[int, str]:
        """Have it fill ``data.new``: its exit code, and what it said of the folder.

        The installer is a shell script that takes paths apart at spaces, so it is shown the folder through a link.
        """
        with tempfile.TemporaryDirectory(prefix="cloudpits-db-", dir="/tmp") as place:
            link = Path(place) / "folder"
            link.symlink_to(self._folder)
            where = [f"--datadir={link / 'data.new'}", f"--tmpdir={link / self._temporary().name}"]
            command = [installer, "--no-defaults", *where, "--skip-test-db", *_FRUGAL, *_as_root()]
            done = subprocess.run(  # noqa: S603  the program was looked up, the arguments are ours
                command, check=False, capture_output=True, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL
            )
        return done.returncode, (done.stderr + done.stdout).replace(str(link), str(self._folder))

    def _temporary(self) -> Path:
        """Its own folder: a server that starts removes every temporary table there, other servers' too."""
        folder = self._folder / "tmp"
        folder.mkdir(exist_ok=True)
        return folder

    def _spawn(self) -> None:
        first_statements = self._folder / "init.sql"
        first_statements.touch(mode=0o600)
        first_statements.write_text(_first_statements(self.password), encoding="utf-8")
        self.log.write_bytes(b"")
        command = ["/bin/sh", "-c", _TIED_TO_STARTER, "sh", _binary("mariadbd", "mysqld"), *self._options()]
        self._process = subprocess.Popen(  # noqa: S603  the program was looked up, the arguments are ours
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the starter, which stops the server in order
        )

    def _options(self) -> list[str]:
        paths = {"datadir": "data", "log-error": "mariadb.log", "pid-file": "mariadb.pid", "init-file": "init.sql"}
        return [
            "--no-defaults",  # the packaged configuration would move data and log elsewhere
            *(f"--{option}={self._folder / name}" for option, name in paths.items()),
            f"--socket={self.socket}",
            f"--tmpdir={self._temporary()}",
            f"--bind-address={HOST}",
            f"--port={self.port}",
            "--skip-name-resolve",
            "--performance-schema=OFF",
            *_FRUGAL,
            "--innodb-flush-log-at-trx-commit=2",  # a lost second after a power cut is acceptable here
            "--character-set-server=utf8mb4",
            *_as_root(),
        ]

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                raise StorageError(f"MariaDB did not start: {_first_error(self._log_text())}; see {self.log}")
            with contextlib.suppress(pymysql.MySQLError, OSError):
                pymysql.connect(host=HOST, port=self.port, user=USER, password=self.password, connect_timeout=5).close()
                return
            time.sleep(0.05)
        raise StorageError(f"MariaDB did not answer within {_START_TIMEOUT_S:.0f} s; see {self.log}")

    def _log_text(self) -> str:
        return self.log.read_text(errors="replace", encoding="utf-8") if self.log.exists() else ""


def _first_error(text: str) -> str:
    """What the server complained of first; its last line only says that it gives up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line.partition("[ERROR]")[2].strip() for line in lines if "[ERROR]" in line]
    return (errors or lines or ["no message"])[0]


def _binary(*names: str) -> str:
    """The first of ``names`` that is installed; distributions keep servers outside a normal user's PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/libexec"])
    for name in names:
        if found := shutil.which(name, path=path):
            return found
    raise StorageError(
        f"{names[0]} not found: install MariaDB (Debian: apt-get install {DEBIAN_PACKAGES}) or set {DATABASE_URL}"
    )


def _as_root() -> list[str]:
    """MariaDB refuses to run as root unless told that this is wanted."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _first_statements(password: str) -> str:
    """One statement a line, as the server's init file wants them. The password is made of [A-Za-z0-9_-] only."""
    accounts = [f"'{USER}'@'{host}'" for host in (HOST, "localhost")]
    lines = [f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4;"]
    for account in accounts:
        lines.append(f"CREATE OR REPLACE USER {account} IDENTIFIED BY '{password}';")
        lines.append(f"GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;")
    return "\n".join(lines) + "\n"
