"""A machine whose package managers are stand-ins that note what they were told."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

STAND_INS = Path(__file__).parent / "stand_ins"


@dataclass
class Machine:
    """A checkout on a machine: ``commands`` holds all that its PATH reaches; ``calls`` what changed something."""

    checkout: Path
    commands: Path

    def offer(self, name: str, target: Path | str | None = None) -> None:
        """Put a command on the PATH; one that does nothing unless told otherwise."""
        (self.commands / name).symlink_to(target or self.commands / "true")

    def lack(self, *names: str) -> None:
        """Take commands away."""
        for name in names:
            (self.commands / name).unlink()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout, without a terminal; calls are noted anew."""
        home = self.commands.parent
        log = home / "calls"
        log.write_text("")
        bare = {"PATH": str(self.commands), "HOME": str(home), "CALLS": str(log), "STAND_INS": str(STAND_INS)}
        return subprocess.run(
            command, cwd=self.checkout, env={**bare, **environment}, text=True, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, timeout=60,
        )  # fmt: skip

    @property
    def calls(self) -> list[str]:
        """Calls of the last run."""
        return (self.commands.parent / "calls").read_text().splitlines()

    def left_unfinished(self) -> list[Path]:
        """Halves of packages that lie about."""
        return list(self.checkout.rglob("half_a_package*"))
