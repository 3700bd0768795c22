"""The schema as SQL text, the same for the same schema: what ``databases/schema.sql`` is and is compared with.

``python -m cloudpits.adapters.mysql.schema URL > databases/schema.sql`` renews the file from a migrated database.
"""

from __future__ import annotations

import re
import sys

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.connection import Database, connect

_HEADER = "-- The schema after all migrations, as MariaDB 10.11 describes it. Made from the database; do not edit."
_TABLES = """
SELECT table_name AS name FROM information_schema.tables
WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name
"""


def dump_schema(database: Database) -> str:
    """``CREATE TABLE`` statements of all tables by name, without what depends on the rows."""
    statements = database.transaction(_create_statements)
    return "\n\n".join([_HEADER, *statements]) + "\n"


def _create_statements(cursor: DictCursor) -> list[str]:
    cursor.execute(_TABLES)
    names = [str(row["name"]) for row in cursor.fetchall()]
    return [_create_statement(cursor, name) for name in names]


def _create_statement(cursor: DictCursor, table: str) -> str:
    # An identifier cannot be bound; this one comes from the server's own list and is quoted.
    cursor.execute("SHOW CREATE TABLE `{}`".format(table.replace("`", "``")))
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  the statement fails rather than returning nothing
    return re.sub(r" AUTO_INCREMENT=\d+", "", str(row["Create Table"])) + ";"


if __name__ == "__main__":
    with connect(sys.argv[1]) as opened:
        sys.stdout.write(dump_schema(opened))
