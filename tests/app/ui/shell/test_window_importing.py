"""A D1 export brought into the window, and what is said of how it continues the file last seen."""

import shutil
from pathlib import Path

import apsw
import pytest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InFile
from app.services.files.exporting import Wanted
from app.ui.shell.dialogs import NotesDialog
from app.ui.shell.notices import BrokenNotice, ContinuationNotice
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.widgets.banner import Banner
from app.ui.widgets.dialogs import ConfirmDialog
from app.workers.export import export_database
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import sign
from tests.fixtures.dumping import write_dump
from tests.fixtures.window import ask, button, click, count, current, dialog, error, notice, press, said


@pytest.fixture
def export(demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(apsw, "hard_heap_limit", None)  # which is felt by all threads of the window
    return write_dump(demo_path, tmp_path / "export.sql", d1=True)


@pytest.mark.slow
def test_a_dump_that_is_opened_is_imported_and_opened(
    qtbot: QtBot, window: MainWindow, demo_path: Path, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = export.with_name("imported.sqlite")
    asked: list[str] = []

    def choose(dialog: QFileDialog) -> bool:
        asked.extend(dialog.selectedFiles())
        dialog.selectFile(str(target))
        return True

    monkeypatch.setattr(QFileDialog, "exec", choose)
    window.files.open(export)
    box = dialog(qtbot, window, ConfirmDialog)
    assert "is an SQL dump" in box.sentence.text()
    with qtbot.waitSignal(window.opened):
        click(qtbot, box.confirm_button)
    assert asked == [str(export.with_suffix(".sqlite"))]
    told = dialog(qtbot, window, NotesDialog)
    assert "imported from export.sql" in told.title.text()
    assert "with line breaks, as which D1's export writes" in told.text.toPlainText()
    press("Esc")
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(count(demo_path, "users"), 0))
    assert page.context.opened.path == target
    assert ask(target, "SELECT * FROM audit_chain") == ask(demo_path, "SELECT * FROM audit_chain")
    qtbot.waitUntil(lambda: bool(CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(target))))
    (made,) = CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(target))
    assert made.reason == "import"


def test_a_name_that_is_taken_is_not_offered_and_asked_for_again(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "export.sqlite"
    taken.touch()
    asked = list[tuple[str, str]]()

    def choose(dialog: QFileDialog) -> bool:
        asked.append((Path(dialog.selectedFiles()[0]).name, dialog.windowTitle()))
        if len(asked) == 1:
            dialog.selectFile(str(taken))
        return len(asked) < 3

    monkeypatch.setattr(QFileDialog, "exec", choose)
    chosen = list[tuple[Path, Path]]()
    monkeypatch.setattr(window.files, "import_dump", lambda *given: chosen.append(given))
    window.files.ask_import_target(tmp_path / "export.sql.gz")
    assert [name for name, _ in asked] == ["export 2.sqlite", "export 2.sqlite"]
    assert asked[1][1].startswith("export.sqlite is there already")
    assert chosen == [(tmp_path / "export.sql.gz", tmp_path / "export 2.sqlite")]


def test_a_dump_that_was_to_be_opened_says_what_its_button_does(
    qtbot: QtBot, window: MainWindow, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where else in the program that is."""
    asked = list[Path]()
    monkeypatch.setattr(window.files, "ask_import_target", asked.append)
    window.files.open(export)
    box = dialog(qtbot, window, ConfirmDialog)
    assert box.sentence.text().endswith("It comes into a new one, for which you choose a name next.")
    click(qtbot, box.confirm_button)
    assert asked == [export]


@pytest.mark.slow
def test_what_cannot_come_in_is_asked_about_first(
    qtbot: QtBot, window: MainWindow, export: Path, tmp_path: Path
) -> None:
    with export.open("a") as file:
        file.write("CREATE VIEW some AS SELECT 1;\n")
    target = tmp_path / "imported.sqlite"
    window.files.import_dump(export, target)
    box = dialog(qtbot, window, ConfirmDialog)
    told = [box.list.item(row).text() for row in range(box.list.count())]
    assert told[0].startswith("1 view left out: some (line ")
    assert any("with line breaks, as which D1's export writes" in one for one in told), "of what is not lost"
    assert not target.exists()
    with qtbot.waitSignal(window.opened):
        click(qtbot, box.confirm_button)
    assert current(window).context.opened.path == target


@pytest.mark.slow
def test_a_newer_export_of_a_known_database_continues_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW - 3600)
    chains.append(apsw.Connection(str(demo_path)), "acme-corp", [NOW] * 3)
    export = write_dump(demo_path, tmp_path / "newer.sql", d1=True)
    with qtbot.waitSignal(window.opened):
        window.files.import_dump(export, tmp_path / "newer.sqlite")
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(ContinuationNotice)))
    words = notice(window, "This file continues").headline()
    assert "3 new entries since 1 h ago" in words


@pytest.mark.slow
def test_a_part_in_the_place_of_its_whole_says_what_else_was_there(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apsw, "hard_heap_limit", None)  # which is felt by all threads of the window
    whole, part = Path(shutil.copyfile(demo_path, tmp_path / "whole.sqlite")), tmp_path / "part.sql"
    sign(whole, paths.checkpoints_dir(), now=NOW - 3600)
    export_database(InFile(whole), part, Wanted("acme-corp"), replace=False, in_child=False)
    whole.rename(tmp_path / "kept.sqlite")
    with qtbot.waitSignal(window.opened):
        window.files.import_dump(part, whole)
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(ContinuationNotice)))
    words = notice(window, "One tenant's part was imported").detail()
    assert words.startswith(
        "This is the part of one tenant alone. The database that was in this place before has "
    )


@pytest.mark.slow
def test_an_export_that_forked_says_where(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW - 3600)
    last = ask(demo_path, "SELECT max(seq) FROM audit_chain WHERE tenant_id = 'acme-corp'")[0][0]
    ask(demo_path, "DELETE FROM audit_chain WHERE seq = ?", last)
    export = write_dump(demo_path, tmp_path / "forked.sql")
    with qtbot.waitSignal(window.opened):
        window.files.import_dump(export, tmp_path / "forked.sqlite")
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(BrokenNotice)))
    assert (
        "This file does not continue the one you saw last: acme-corp"
        in notice(window, "Chain broken").detail()
    )


@pytest.mark.slow
def test_an_imported_chain_that_is_broken_is_named_once_and_leads_to_its_findings(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW - 3600)
    last = ask(demo_path, "SELECT max(seq) FROM audit_chain WHERE tenant_id = 'acme-corp'")[0][0]
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq IN (50, ?)", last)
    export = write_dump(demo_path, tmp_path / "forged.sql")
    with qtbot.waitSignal(window.opened):
        window.files.import_dump(export, tmp_path / "forged.sqlite")
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(BrokenNotice)))
    banner = notice(window, "Chain broken")
    assert [one for one in window.findChildren(Banner) if one.isVisible()] == [banner]
    assert "2 findings" in banner.headline()
    assert "no checkpoint was made" in banner.detail()
    click(qtbot, button(banner, "Show findings"))
    page = current(window)
    assert isinstance(page, AuditTab) and page.findings.isVisible()
    assert [one for one in window.findChildren(Banner) if one.isVisible()] == [page.banner]


@pytest.mark.slow
def test_an_import_that_stays_without_a_checkpoint_says_so(
    qtbot: QtBot, window: MainWindow, export: Path, tmp_path: Path
) -> None:
    paths.checkpoints_dir().parent.mkdir(parents=True, exist_ok=True)
    paths.checkpoints_dir().write_text("a file where the folder should be")
    with qtbot.waitSignal(window.opened):
        window.files.import_dump(export, tmp_path / "new.sqlite")
    qtbot.waitUntil(lambda: any(one.isVisible() for one in window.findChildren(ContinuationNotice)))
    assert "stays without a checkpoint" in notice(window, "No checkpoint was made").detail()


@pytest.mark.slow
def test_a_failure_to_look_is_not_kept_quiet(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW - 3600)
    for kept in paths.checkpoints_dir().glob("*"):
        if kept.is_file() and kept.suffix in {".sqlite", ".db"}:
            kept.write_bytes(b"not a database at all" * 100)
    with qtbot.waitSignal(window.opened):
        window.files.open(demo_path)
    assert "checkpoint" in error(qtbot, window)


@pytest.mark.slow
def test_a_dump_that_is_refused_leaves_nothing(
    qtbot: QtBot, window: MainWindow, export: Path, tmp_path: Path
) -> None:
    export.write_text(export.read_text("utf-8") + "\nATTACH 'x' AS y;\n", "utf-8")
    window.files.import_dump(export, tmp_path / "new.sqlite")
    assert "ATTACH" in error(qtbot, window)
    assert not (tmp_path / "new.sqlite").exists()
    assert window.workspace is None
