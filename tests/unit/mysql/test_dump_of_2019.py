"""Reading a dump: what is a row, what is passed over, and which line is wrong. All figures are synthetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymysql.converters import escape_string

from cloudpits.adapters.mysql.legacy_dump import read_dump
from cloudpits.adapters.mysql.legacy_tables import check_references
from cloudpits.adapters.mysql.sql_tokens import tokens
from cloudpits.domain.errors import InvalidInputError

Values = list[tuple[object, ...]]


def rows(text: str, table: str = "data") -> Values:
    return [tuple(row.values.values()) for row in read_dump("dump.sql", text).rows[table]]


def problem(text: str) -> str:
    def read_and_check() -> None:
        check_references("dump.sql", read_dump("dump.sql", text).rows)

    with pytest.raises(InvalidInputError) as caught:
        read_and_check()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO `data` VALUES (1,'a','b'),(2,NULL,'c');",
        "insert into data values (1, 'a', 'b'), (2, null, 'c');",
        "REPLACE INTO `experimentos`.`data` VALUES (1,'a','b'),(2,NULL,'c');",
        "INSERT IGNORE INTO `data` (`hash`, `name`, `iddata`) VALUES ('b','a',1),('c',NULL,2);",
        "INSERT  DELAYED INTO data(iddata,hash,name)VALUES(1,'b','a');INSERT data VALUE(2,NULL,'c');",
        'INSERT INTO "data" VALUES (1,"a","b"),(2,NULL,"c");',
        "INSERT INTO `data` VALUES /* why? */ (1,_utf8mb4'a',_binary 'b') -- first\n,\n(2,NULL,'c')\n;",
        """CREATE TABLE `data` (`hash` varchar(45), `iddata` int(11) NOT NULL, `name` varchar(45),
        PRIMARY KEY (`iddata`), KEY `k` (`name`,`hash`)) ENGINE=InnoDB;
        INSERT INTO `data` VALUES ('b',1,'a'),('c',2,NULL);""",
        """CREATE TABLE IF NOT EXISTS data (iddata int, name varchar(45), size decimal(9,2), hash varchar(45));
        INSERT INTO data VALUES (1,'a',-1.50,'b'),(2,NULL,0x00,'c');""",
        """USE `other`; INSERT INTO data VALUES (9,'x','x'); USE `experimentos`; INSERT INTO data VALUES (1,'a','b');
        INSERT INTO other.data VALUES (9,'x','x'); INSERT INTO data VALUES (2,NULL,'c');""",
    ],
)
def test_the_many_ways_to_write_the_same_rows(statement: str) -> None:
    assert rows(statement) == [(1, "a", "b"), (2, None, "c")]


def test_every_kind_of_value() -> None:
    text = """INSERT INTO `interpsec` VALUES
    (1,1.5e-3,7,'2019-05-31 10:00:00'),(2,-4,7,NULL),(3,'2.5',7,'0000-00-00 00:00:00');"""
    assert rows(text, "interpsec") == [(1, 0.0015, 7, "2019-05-31 10:00:00"), (2, -4.0, 7, None), (3, 2.5, 7, None)]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=45))
def test_any_text_survives_escaping(text: str) -> None:
    for escaped in (escape_string(text), text.replace("\\", "\\\\").replace("'", "''")):
        statement = "INSERT INTO `data` VALUES (1,'" + escaped + "',NULL);"  # noqa: S608  # read, never executed
        assert rows(statement) == [(1, text, None)]


def test_other_statements_and_their_texts_are_passed_over() -> None:
    text = """
    /*!999999\\- enable the sandbox mode */
    CREATE TABLE `notes` (`id` int, `t` text);
    INSERT INTO `notes` VALUES (1,'INSERT INTO `data` VALUES (9,\\'x\\',NULL);');
    INSERT INTO `data_old` SELECT * FROM `data`;;
    SET @x = (SELECT 1); # a; comment
    -- INSERT INTO `data` VALUES (9,'x',NULL);
    INSERT INTO `data` VALUES (1,'a',NULL);
    """
    assert rows(text) == [(1, "a", None)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\nINSERT INTO data VALUES (1,'a');", "dump.sql:3: data: 2 values for 3 columns"),
        ("INSERT INTO data VALUES (1,'a','b'),\n(NULL,'a','b');", "dump.sql:2: data.iddata is missing; expected a"),
        ("INSERT INTO data VALUES (0,'a','b');", "dump.sql:1: data.iddata is 0; expected a whole number from 1"),
        ("INSERT INTO data VALUES (1.5,'a','b');", "dump.sql:1: data.iddata is 1.5; expected a whole number"),
        ("INSERT INTO data VALUES (1,NOW,'b');", "dump.sql:1: data.name is NOW; expected NULL or text"),
        ("INSERT INTO data VALUES (1,'" + "x" * 46 + "','b');", "expected NULL or text of at most 45 characters"),
        ("INSERT INTO data VALUES (1,'a','b'),(1,'c','d');", "dump.sql:1: data.iddata 1 stands twice"),
        ("INSERT INTO instance VALUES (NULL);", "dump.sql:1: instance.name is missing"),
        ("INSERT INTO parameters VALUES (1,1e39,1,1,1,1);", "dump.sql:1: parameters.aph is 1e39; expected NULL or a"),
        ("INSERT INTO interpols VALUES (1,1,1,1,'yesterday');", "interpols.datetime is 'yesterday'; expected NULL"),
        ("INSERT INTO interpols VALUES (1,1,1,7,NULL);", "parameters_idparameters is 1, which parameters lacks"),
        ("INSERT INTO interpsec VALUES (1,1,\n5,NULL);", "dump.sql:1: interpsec.experiment_idperformance is 5, which"),
        ("INSERT INTO data VALUES (1,UPPER('a'),'b');", "a row holds an expression or has no end"),
        ("INSERT INTO data VALUES (1,'a','b') ON DUPLICATE KEY UPDATE x=1;", "'ON' is not a row of data"),
        ("INSERT INTO data SELECT * FROM x;", "INSERT INTO data without VALUES"),
        ("SELECT 1;\nINSERT INTO data VALUES (1,'a','b')", "dump.sql:2: the last statement has no end"),
        ("INSERT INTO data VALUES (1,'a','b'),", "the last statement has no end; is the dump cut off?"),
        ("SELECT 1;\n\nINSERT INTO data VALUES (1,'a", "dump.sql:3: a quoted text has no end; is the dump cut off?"),
        ("INSERT INTO;", "the statement ends too early"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_line(text: str, message: str) -> None:
    assert message in problem(text)


@given(st.text("INSERT O`data'\"\\();,-/*!#\n 1VALUE", max_size=60))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    try:
        read_dump("dump.sql", text)
    except InvalidInputError as error:
        assert str(error).startswith("dump.sql:")  # noqa: PT017  # reading may also succeed


@given(st.lists(st.sampled_from(["a", "'x\ny'", "`b\nc`", "/* d\n */", "-- e\n", "1.5", "\n", ";", "("]), max_size=20))
def test_lines_are_counted_right(parts: list[str]) -> None:
    text = " ".join(parts)
    for token in tokens("dump.sql", text):
        assert text.splitlines()[token.line - 1].find(token.text.splitlines()[0]) >= 0
