"""What lies at the top, what is never written where; who may import whom is `lint-imports`' to hold."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from models.tables import TABLES

ROOT = Path(__file__).parents[1]

QT = frozenset({"PySide6", "shiboken6"})

TOP_LEVEL = frozenset(
    {"pyproject.toml", "README.md", "LICENSE", "app", "models", "migrations", "resources", "tests"}
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def imports(path: Path) -> Sequence[tuple[str, int]]:
    """Each module that is imported, by its absolute name, and the line."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found += ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            found.append((str(node.module), node.lineno))
    return found


@pytest.mark.parametrize("folder", ["models", "app"])
def test_every_folder_with_code_is_a_package(folder: str) -> None:
    for path in sources(folder):
        assert (path.parent / "__init__.py").is_file(), f"{path.parent} lacks __init__.py"


def test_the_top_level_holds_nothing_else() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # Outside a checkout (an unpacked archive) what lies there is all there is to go by.
    names = listed.stdout.splitlines() if listed.returncode == 0 else [path.name for path in ROOT.iterdir()]
    top = {name.partition("/")[0] for name in names}
    extra = {name for name in top - TOP_LEVEL if not name.startswith(".") and not name.endswith(".egg-info")}
    assert not extra


@pytest.mark.slow
@pytest.mark.parametrize(
    "commands",
    [
        [(["info", "no such file"], 2)],
        [(["demo", "demo.sqlite", "--rows", "300"], 0), (["verify", "demo.sqlite"], 0)],
    ],
    ids=["nothing there", "verify"],
)
def test_the_command_line_loads_no_qt(tmp_path: Path, commands: list[tuple[list[str], int]]) -> None:
    """Neither on import nor while a command runs."""
    code = f"""
import sys
from app import cli
for arguments, expected in {commands!r}:
    assert cli.main(arguments) == expected, arguments
loaded = sorted(name for name in sys.modules if name.partition(".")[0] in {sorted(QT)!r})
assert not loaded, loaded
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TENANT_ADMIN_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_colours_are_written_in_the_theme_alone() -> None:
    literal = re.compile(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b|\brgba?\(")
    named = re.compile(r"QColor\(\s*[\"'\d]|Qt\.GlobalColor\.(?!transparent)|setNamedColor")
    found = []
    # Services have no colours to show; their sample data may speak of some.
    for path in sources("app"):
        if {ROOT / "app" / "ui" / "theme", ROOT / "app" / "services"} & set(path.parents):
            continue
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if literal.search(text) else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and literal.search(node.value):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}")
        for number, line in enumerate(text.splitlines(), 1):
            if named.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)


def test_no_two_classes_have_one_name() -> None:
    """A name means one thing."""
    named: dict[str, list[str]] = {}
    for path in sources("app", "models"):
        for node in ast.parse(path.read_bytes()).body:
            if isinstance(node, ast.ClassDef):
                named.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    twice = {name: places for name, places in named.items() if len(places) > 1}
    assert not twice, str(twice)


def test_commands_ask_one_clock() -> None:
    """When it is needed, and what a test sets is what all of them go by."""
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources("app/commands")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Attribute)
        and node.attr in {"time", "time_ns"}
        and ast.unparse(node.value) == "time"
    ]
    assert len(found) == 1 and found[0].startswith("app/commands/common.py:"), found


SQL_TEXT = re.compile(
    r"\b(?:SELECT\s.*\sFROM|INSERT\s.*INTO|DELETE\s+FROM|UPDATE\s.*\sSET|CREATE\s+TABLE|PRAGMA)\s", re.DOTALL
)


def test_no_sql_is_written_above_the_services() -> None:
    """Nor `raw`, which makes a query of a text; the imports that others need are `lint-imports`' to hold."""
    found = []
    for path in sources("app/commands", "app/workers", "app/itemmodels", "app/ui"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Constant):
                is_sql = isinstance(node.value, str) and SQL_TEXT.search(node.value) is not None
            elif isinstance(node, ast.ImportFrom):
                is_sql = any(alias.name == "raw" for alias in node.names)
            else:
                continue
            if is_sql:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found, found


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Each line and text that is written there, with 0 for what is filled in."""
    parts = set[int]()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            filled = (str(part.value) if isinstance(part, ast.Constant) else "0" for part in node.values)
            yield node.lineno, "".join(filled)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def how_many(values: str) -> int:
    """Of the values with which the text begins: up to the end of their parenthesis, or `FROM`."""
    count, depth = 1, 0
    for token in re.findall(r"'[^']*'|[(),]|\bFROM\b", values):
        if depth == 0 and token in {")", "FROM"}:
            break
        depth += {"(": 1, ")": -1}.get(token, 0)
        count += depth == 0 and token == ","
    return count


def test_no_test_inserts_by_position() -> None:
    """Else one more column of the platform's tables breaks it. A row that is as long as a table of ours is
    taken for one of it; tables that a test makes for itself have other columns.
    """
    columns = {model._meta.table_name: len(model._meta.sorted_fields) for model in TABLES}
    by_position = re.compile(
        rf"\b(?:INSERT|REPLACE)\b[\sA-Z]*\sINTO\s+(?:main\.)?[\"`]?({'|'.join(columns)})[\"`]?\s+"
        r"(?:VALUES\s*\(|SELECT\s)"
    )
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources("tests")
        for line, text in texts(ast.parse(path.read_bytes()))
        for insert in by_position.finditer(text)
        if how_many(text[insert.end() :]) == columns[insert[1]]
    ]
    assert not found, "\n".join(found)


WAITING = re.compile(r"\btime\.sleep\(|\bqWait\(|\bqtbot\.wait\(|\bprocessEvents\(|\bfrom time import sleep")


@pytest.mark.parametrize("folder", ["app", "tests"])
def test_nobody_waits_by_the_clock(folder: str) -> None:
    """Tests wait for signals; the interface neither sleeps nor runs the event loop by hand.

    Pauses that are meant (the spread between two attempts to append, retention's breathing space) live in
    services and workers; a program that is to be killed at any moment lives in tests/fixtures, and one that
    sets the pace of a measurement in tests/benchmarks. None of these is looked at here.
    """
    folders = [folder] if folder == "tests" else ["app/ui", "app/itemmodels"]
    programs = {ROOT / "tests" / "fixtures", ROOT / "tests" / "benchmarks"}
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(*folders)
        if path != Path(__file__) and not programs & set(path.parents)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WAITING.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("made", "there"),
    [(r"\bsingleShot\(", "later.py"), (r"\.(addLayout|itemAt\w*|takeAt|replaceWidget)\b", "labels.py")],
)
@pytest.mark.parametrize("folder", ["app", "tests"])
def test_nothing_is_made_whose_end_pyside_does_not_hear_of(folder: str, made: str, there: str) -> None:
    """Qt frees the timer of `QTimer.singleShot` and the items of a layout, in which PySide goes on believing;
    `later` and `add_layout` are there for it.

    The benchmarks' windows live for too short a time to be harmed, and the barest loads nothing of ours.
    """
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(folder)
        if ROOT / "tests" / "benchmarks" not in path.parents and path.name != there
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(made, line)
    ]
    assert not found, "\n".join(found)


def test_only_its_owner_says_that_it_has_changed() -> None:
    """Others call what says what happened, such as `Runner.announce` and the methods of `FileVerdict`."""
    emitted = re.compile(r"(?<!\bself)\.changed\.emit\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources("app")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if emitted.search(line)
    ]
    assert not found, "\n".join(found)


def test_what_is_emitted_while_widgets_go_reaches_declared_slots_alone() -> None:
    """PySide keeps slots that are not declared with the object's attributes, which are cleared first when
    garbage is collected: a widget that goes then and had the focus calls one that is no more.
    """
    heard = re.compile(r"\.(?:focusChanged|applicationStateChanged|destroyed)\.connect\(\s*self\.(\w+)\)")
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources("app")
        for text in [path.read_text(encoding="utf-8")]
        for name in heard.findall(text)
        if not re.search(rf"@Slot\(.*\)(?: *#.*)?\n    def {name}\(", text)
    ]
    assert not found, "\n".join(found)


def test_tests_let_go_of_what_they_hear_of_the_application() -> None:
    """It outlives each of them, and holds what had the focus for tests that look for held windows."""
    found = [
        str(path.relative_to(ROOT))
        for path in sources("tests")
        for text in [path.read_text(encoding="utf-8")]
        for heard in ("focusChanged", "applicationStateChanged")
        if text.count(f"{heard}.connect(") != text.count(f"{heard}.disconnect(")
    ]
    assert not found, "\n".join(found)


def test_nothing_is_skipped_and_nothing_of_ours_is_mocked() -> None:
    words = re.compile(r"pytest\.skip|mark\.skip|mark\.xfail|importorskip|unittest\.mock|MagicMock")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources("tests")
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_every_dependency_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    provided = {"pyside6-essentials": {"PySide6", "shiboken6"}, "peewee": {"peewee", "playhouse"}}
    declared = {"app", "models", *sys.stdlib_module_names}
    for requirement in project["dependencies"]:
        name = re.match(r"[\w.-]+", requirement).group().lower()  # type: ignore[union-attr]
        declared |= provided.get(name, {name.replace("-", "_")})
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources("app", "models")
        for name, line in imports(path)
        if name.partition(".")[0] not in declared
    ]
    assert not found, "\n".join(found)
