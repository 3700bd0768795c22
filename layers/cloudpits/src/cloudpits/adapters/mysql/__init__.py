"""The database ``experimentos`` on MySQL or MariaDB, through pymysql."""
