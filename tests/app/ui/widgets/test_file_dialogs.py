"""Nothing that the window does to find files takes away the locks of its own connections."""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QFileSystemModel,
    QLabel,
    QLineEdit,
    QMessageBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.checkpoint import Reason
from app.ui.shell.window import MainWindow
from app.ui.theme import Mode, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.file_dialogs import ask_save, new_folder_dialog, open_dialog
from app.ui.widgets.formatting import typed_time
from app.workers import watches
from models.local.file import diagnose
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.window import added, child, open_file

LINUX = sys.platform == "linux"


def locks(path: Path) -> int:
    """How many locks this process holds on the file and its shared memory, as the kernel tells."""
    keys = set()
    for suffix in ("", "-shm"):
        found = path.with_name(path.name + suffix).stat()
        keys.add(f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}:{found.st_ino}")
    lines = Path("/proc/locks").read_text().splitlines() if LINUX else []
    fields = [line.replace("->", "").split() for line in lines]
    return sum(one[4] == str(os.getpid()) and one[5] in keys for one in fields)


def watched() -> list[str]:
    """The files of this process through which Linux tells of changes in folders."""
    found = []
    for opened in Path("/proc/self/fd").iterdir() if LINUX else ():
        with suppress(FileNotFoundError):
            found.append(str(opened.readlink()))
    return [what for what in found if "inotify" in what]


@pytest.fixture
def held(qtbot: QtBot, window: MainWindow, demo_path: Path) -> int:
    """The locks of an open file at rest: one on the file and one on its shared memory, none of a read."""
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: not LINUX or locks(demo_path) == 2)
    return locks(demo_path)


def test_looking_at_the_beginning_of_a_file_leaves_its_locks(held: int, demo_path: Path) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW, reason=Reason.REQUEST)
    verify_known(demo_path, paths.checkpoints_dir(), now=NOW)
    diagnose(demo_path)
    assert locks(demo_path) == held


@pytest.mark.slow
def test_a_dialog_that_lists_the_file_leaves_its_locks(
    qtbot: QtBot, window: MainWindow, held: int, demo_path: Path
) -> None:
    dialog = open_dialog(window.theme, window, "Open", str(demo_path.parent))
    qtbot.addWidget(dialog)
    dialog.open()
    model = child(dialog, QFileSystemModel)
    qtbot.waitUntil(lambda: model.index(str(demo_path)).isValid())
    for column in range(4):
        model.index(str(demo_path), column).data()
    qtbot.waitUntil(lambda: model.type(model.index(str(demo_path))) == "SQLITE file")
    changed, shown = model.index(str(demo_path), 3), QStyleOptionViewItem()
    dates = child(dialog, QTreeView).itemDelegateForColumn(3)
    assert isinstance(dates, QStyledItemDelegate)
    dates.initStyleOption(shown, changed)
    assert typed_time(shown.text, utc=False) == int(demo_path.stat().st_mtime), (
        "a date as all others are said"
    )
    assert locks(demo_path) == held


@pytest.mark.slow
def test_the_watch_of_a_dialog_outlives_it_and_ends(
    qtbot: QtBot, window: MainWindow, held: int, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever closes the last copy of one waits for the system; that is not the interface."""
    monkeypatch.setattr(watches, "_KEPT", 0.5)
    qtbot.waitUntil(lambda: not watched())
    dialog = open_dialog(window.theme, window, "Open", str(demo_path.parent))
    assert len(watched()) == LINUX
    dialog.reject()
    assert len(watched()) == 2 * LINUX
    qtbot.waitUntil(lambda: not watched())
    assert locks(demo_path) == held


@pytest.mark.slow
def test_arrows_over_the_files_are_seen_in_the_dark(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    theme.set_mode(Mode.DARK)
    parent = added(qtbot, QWidget())
    dialog = added(qtbot, open_dialog(theme, parent, "Open", str(tmp_path)))
    for name in ("backButton", "forwardButton", "toParentButton"):
        button = dialog.findChild(QToolButton, name)
        assert isinstance(button, QToolButton)
        picture = button.icon().pixmap(16).toImage()
        inks = [picture.pixelColor(x, y) for x in range(16) for y in range(16)]
        assert max(ink.lightness() for ink in inks if ink.alpha() > 200) > 180, name


@pytest.mark.slow
def test_a_new_folder_is_asked_for_as_one(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    parent = added(qtbot, QWidget())
    dialog = added(qtbot, new_folder_dialog(theme, parent, "Export", tmp_path / "acme", "Export"))
    said = [label.text() for label in dialog.findChildren(QLabel) if label.text()]
    assert {"New folder:", "Make it in:"} <= {*said} and not [one for one in said if "File &name" in one]
    name = child(dialog, QLineEdit)
    assert name.text() == "acme 2", "a name that nothing has yet"
    name.setText("mine")
    dialog.accept()
    assert dialog.selectedFiles() == [str(tmp_path / "mine")]


def test_a_dialog_that_nobody_answered_goes_with_its_window(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    gone = list[str]()
    for shown in (False, True):
        window = QWidget()
        asker = QWidget(window)
        dialog = open_dialog(theme, asker, "Export", str(tmp_path))
        dialog.destroyed.connect(lambda: gone.append("dialog"))
        dialog.setVisible(shown)
        del window, asker, dialog
        gc.collect()
    qtbot.waitUntil(lambda: gone == ["dialog", "dialog"])


def test_a_whole_path_that_is_typed_opens_the_file(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """It leads through the folder that is shown, which Qt chooses meanwhile."""
    file = tmp_path / "typed.sqlite"
    file.touch()
    parent = added(qtbot, QWidget())
    dialog = open_dialog(theme, parent, "Open", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.open()
    files, line = child(dialog, QTreeView), child(dialog, QLineEdit)
    qtbot.waitUntil(lambda: files.model().rowCount(files.rootIndex()) == 1)
    files.setFocus()  # as while the list of completions, which takes the keys, stands below the line
    for typed in (str(tmp_path), str(file)):
        line.setText(typed)
    with qtbot.waitSignal(dialog.fileSelected) as chosen:
        dialog.accept()
    assert chosen.args == [str(file)]


def test_a_dialog_for_files_looks_like_those_of_the_program(
    qtbot: QtBot, theme: Theme, tmp_path: Path
) -> None:
    for name in ("b.sqlite", "a.csv"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    parent = added(qtbot, QWidget())
    for made in (
        open_dialog(theme, parent, "Open", str(tmp_path)),
        new_folder_dialog(theme, parent, "O", tmp_path, "Go"),
    ):
        dialog = added(qtbot, made)
        dialog.show()
        box = child(dialog, QDialogButtonBox)
        kinds = {box.buttonRole(one): one.property("kind") for one in box.buttons()}
        assert kinds[QDialogButtonBox.ButtonRole.AcceptRole] == "primary"
        assert not kinds[QDialogButtonBox.ButtonRole.RejectRole]
    files = child(added(qtbot, open_dialog(theme, parent, "Open", str(tmp_path))), QTreeView)
    header, model = files.header(), files.model()
    assert (header.sortIndicatorSection(), header.sortIndicatorOrder()) == (0, Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: model.rowCount(files.rootIndex()) == 3)

    def looks() -> dict[str, QImage]:
        rows = [model.index(row, 0, files.rootIndex()) for row in range(3)]
        return {row.data(): row.data(Qt.ItemDataRole.DecorationRole).pixmap(16).toImage() for row in rows}

    wanted = {"folder": Icon.FOLDER_SHUT, "a.csv": Icon.FILE, "b.sqlite": Icon.DATABASE}
    icons = {name: theme.icon(icon, "dim").pixmap(16).toImage() for name, icon in wanted.items()}
    qtbot.waitUntil(lambda: looks() == icons)


def test_whether_a_file_is_replaced_is_asked_by_that_word(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    (tmp_path / "there.csv").touch()
    asked, timer = list[str](), QTimer(interval=20, singleShot=True)

    def answer() -> None:
        timer.start()  # before a question that has its own event loop
        shown = QApplication.activeModalWidget()
        if isinstance(shown, QMessageBox):
            asked.append(" ".join(one.text() for one in shown.buttons() if one.property("kind") == "danger"))
            shown.reject()
        elif isinstance(shown, QFileDialog):
            shown.reject() if asked else shown.accept()

    timer.timeout.connect(answer)
    timer.start()
    assert ask_save(theme, added(qtbot, QWidget()), "Save", str(tmp_path / "there.csv")) is None
    timer.stop()
    assert asked == ["Replace"]
