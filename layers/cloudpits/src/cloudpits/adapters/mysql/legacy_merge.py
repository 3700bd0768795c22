"""From temporary tables ``dump_…`` into the six tables: rows that are there already are found, others are added.

Keys of the dump are kept where the table was empty; elsewhere rows get new keys, and what refers to them follows.
Each temporary table stands once in a statement, for MySQL cannot open one twice.
"""
# ruff: noqa: S608  # the statements are put together from constants of this module; values are bound

from __future__ import annotations

from pymysql.cursors import DictCursor

_IS_EMPTY = {
    "data": "SELECT NOT EXISTS (SELECT 1 FROM `data`) AS vacant",
    "parameters": "SELECT NOT EXISTS (SELECT 1 FROM `parameters`) AS vacant",
    "experiment": "SELECT NOT EXISTS (SELECT 1 FROM `experiment`) AS vacant",
    "interpols": "SELECT NOT EXISTS (SELECT 1 FROM `interpols`) AS vacant",
    "interpsec": "SELECT NOT EXISTS (SELECT 1 FROM `interpsec`) AS vacant",
}

_ADD_INSTANCES = "INSERT IGNORE INTO `instance` (name) SELECT name FROM dump_instance ORDER BY name"
# The foreign key asks for it even where the dump forgot it.
_ADD_USED_INSTANCES = "INSERT IGNORE INTO `instance` (name) SELECT DISTINCT instance_name FROM dump_experiment"

_SAME_DATA = "t.name <=> s.name AND t.hash <=> s.hash"
_ADD_DATA = f"""
INSERT INTO `data` (iddata, name, hash)
SELECT IF(%s, MIN(s.iddata), NULL), s.name, s.hash
FROM dump_data s LEFT JOIN `data` t ON {_SAME_DATA}
WHERE t.iddata IS NULL GROUP BY s.name, s.hash ORDER BY MIN(s.iddata)
"""
_MAP_DATA = f"""
CREATE TEMPORARY TABLE map_data (PRIMARY KEY (theirs))
SELECT s.iddata AS theirs, MIN(t.iddata) AS ours FROM dump_data s JOIN `data` t ON {_SAME_DATA} GROUP BY s.iddata
"""

_SAME_PARAMETERS = (
    "t.aph <=> s.aph AND t.apm <=> s.apm AND t.`window` <=> s.`window` AND t.np <=> s.np AND t.gens <=> s.gens"
)
_ADD_PARAMETERS = f"""
INSERT INTO `parameters` (idparameters, aph, apm, `window`, np, gens)
SELECT IF(%s, MIN(s.idparameters), NULL), s.aph, s.apm, s.`window`, s.np, s.gens
FROM dump_parameters s LEFT JOIN `parameters` t ON {_SAME_PARAMETERS}
WHERE t.idparameters IS NULL GROUP BY s.aph, s.apm, s.`window`, s.np, s.gens ORDER BY MIN(s.idparameters)
"""
_MAP_PARAMETERS = f"""
CREATE TEMPORARY TABLE map_parameters (PRIMARY KEY (theirs))
SELECT s.idparameters AS theirs, MIN(t.idparameters) AS ours
FROM dump_parameters s JOIN `parameters` t ON {_SAME_PARAMETERS} GROUP BY s.idparameters
"""

# With a key of its own: the table has none over the three columns, and is read once per row of the dump.
_INDEX_EXPERIMENTS = """
CREATE TEMPORARY TABLE known_experiment (PRIMARY KEY (data_set, parameters, instance_name))
SELECT data_iddata AS data_set, parameters_idparameters AS parameters, instance_name, MIN(idperformance) AS ours
FROM `experiment` GROUP BY data_iddata, parameters_idparameters, instance_name
"""
_SAME_EXPERIMENT = "t.data_set = d.ours AND t.parameters = p.ours AND t.instance_name = s.instance_name"
_THEIR_EXPERIMENTS = """
dump_experiment s
JOIN map_data d ON d.theirs = s.data_iddata
JOIN map_parameters p ON p.theirs = s.parameters_idparameters
"""
_ADD_EXPERIMENTS = f"""
INSERT INTO `experiment` (idperformance, data_iddata, parameters_idparameters, instance_name)
SELECT IF(%s, MIN(s.idperformance), NULL), d.ours, p.ours, s.instance_name
FROM {_THEIR_EXPERIMENTS} LEFT JOIN known_experiment t ON {_SAME_EXPERIMENT}
WHERE t.ours IS NULL GROUP BY d.ours, p.ours, s.instance_name ORDER BY MIN(s.idperformance)
"""
_MAP_EXPERIMENTS = f"""
CREATE TEMPORARY TABLE map_experiment (PRIMARY KEY (theirs))
SELECT s.idperformance AS theirs, t.ours FROM {_THEIR_EXPERIMENTS} JOIN known_experiment t ON {_SAME_EXPERIMENT}
"""

# Equal measurements may rightly stand several times: as many copies are added as the table lacks.
_ADD_TASK_COUNTS = """
INSERT INTO `interpols` (idinterpols, parameters_idparameters, data_iddata, interpols, `datetime`)
SELECT IF(%s, w.id, NULL), w.parameters, w.data_set, w.interpols, w.at
FROM (
  SELECT s.idinterpols AS id, p.ours AS parameters, d.ours AS data_set, s.interpols, s.`datetime` AS at,
    ROW_NUMBER() OVER (PARTITION BY p.ours, d.ours, s.interpols, s.`datetime` ORDER BY s.idinterpols) AS nth
  FROM dump_interpols s
  JOIN map_data d ON d.theirs = s.data_iddata
  JOIN map_parameters p ON p.theirs = s.parameters_idparameters
) w
LEFT JOIN (
  SELECT parameters_idparameters AS parameters, data_iddata AS data_set, interpols, `datetime` AS at, COUNT(*) AS copies
  FROM `interpols` GROUP BY parameters_idparameters, data_iddata, interpols, `datetime`
) t ON t.parameters = w.parameters AND t.data_set = w.data_set AND t.interpols <=> w.interpols AND t.at <=> w.at
WHERE w.nth > COALESCE(t.copies, 0) ORDER BY w.id
"""
_ADD_MEASUREMENTS = """
INSERT INTO `interpsec` (idinterpsec, interpsec, experiment_idperformance, creationDate)
SELECT IF(%s, w.id, NULL), w.interpsec, w.experiment, w.at
FROM (
  SELECT s.idinterpsec AS id, s.interpsec, e.ours AS experiment, s.creationDate AS at,
    ROW_NUMBER() OVER (PARTITION BY e.ours, s.interpsec, s.creationDate ORDER BY s.idinterpsec) AS nth
  FROM dump_interpsec s JOIN map_experiment e ON e.theirs = s.experiment_idperformance
) w
LEFT JOIN (
  SELECT experiment_idperformance AS experiment, interpsec, creationDate AS at, COUNT(*) AS copies
  FROM `interpsec` GROUP BY experiment_idperformance, interpsec, creationDate
) t ON t.experiment = w.experiment AND t.interpsec <=> w.interpsec AND t.at <=> w.at
WHERE w.nth > COALESCE(t.copies, 0) ORDER BY w.id
"""


def merge(cursor: DictCursor) -> dict[str, int]:
    """Take all rows over; how many were new, per table."""
    _forget(cursor, "map_data, map_parameters, map_experiment, known_experiment")
    added = {"instance": _run(cursor, _ADD_INSTANCES) + _run(cursor, _ADD_USED_INSTANCES)}
    added["data"] = _add(cursor, "data", _ADD_DATA)
    cursor.execute(_MAP_DATA)
    added["parameters"] = _add(cursor, "parameters", _ADD_PARAMETERS)
    cursor.execute(_MAP_PARAMETERS)
    cursor.execute(_INDEX_EXPERIMENTS)
    added["experiment"] = _add(cursor, "experiment", _ADD_EXPERIMENTS)
    _forget(cursor, "known_experiment")
    cursor.execute(_INDEX_EXPERIMENTS)
    cursor.execute(_MAP_EXPERIMENTS)
    added["interpols"] = _add(cursor, "interpols", _ADD_TASK_COUNTS)
    added["interpsec"] = _add(cursor, "interpsec", _ADD_MEASUREMENTS)
    return added


def _forget(cursor: DictCursor, tables: str) -> None:
    cursor.execute(f"DROP TEMPORARY TABLE IF EXISTS {tables}")


def _add(cursor: DictCursor, table: str, statement: str) -> int:
    cursor.execute(_IS_EMPTY[table])
    row = cursor.fetchone()
    return _run(cursor, statement, bool(row and row["vacant"]))


def _run(cursor: DictCursor, statement: str, *values: object) -> int:
    return cursor.execute(statement, values)
