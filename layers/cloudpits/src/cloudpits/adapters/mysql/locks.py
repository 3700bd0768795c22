"""The lock that keeps two cycles of one run apart: a row that names its owner and expires by itself."""

from __future__ import annotations

from pymysql.cursors import DictCursor

# One statement, so that of two takers one wins. Assignments are made from left to right: the expiry follows the owner.
_TAKE = """
INSERT INTO cycle_lock (run, owner, expires_at) VALUES (%(run)s, %(owner)s, %(until)s)
ON DUPLICATE KEY UPDATE
  owner = IF(expires_at <= %(now)s, %(owner)s, owner),
  expires_at = IF(owner = %(owner)s, %(until)s, expires_at)
"""
_OWNER = "SELECT owner FROM cycle_lock WHERE run = %s"
_RELEASE = "DELETE FROM cycle_lock WHERE run = %s AND owner = %s"


def take(cursor: DictCursor, run: str, owner: str, now: float, until: float) -> bool:
    """Take or renew the lock until ``until``; False while another owner's has not expired at ``now``."""
    cursor.execute(_TAKE, {"run": run, "owner": owner, "now": now, "until": until})
    cursor.execute(_OWNER, (run,))
    row = cursor.fetchone()
    return row is not None and row["owner"] == owner


def release(cursor: DictCursor, run: str, owner: str) -> None:
    """Give the lock back, if it is still the owner's."""
    cursor.execute(_RELEASE, (run, owner))
