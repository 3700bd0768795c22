"""The database ``experimentos`` on MySQL or MariaDB: connection, migrations, books, history, import of old dumps."""
