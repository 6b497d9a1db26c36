"""What the phases of an opened run produced: one version to read, or two with what differs between them.

And what the file stores beside that, in columns that nobody declared.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStackedLayout,
    QToolButton,
    QWidget,
)

from app.services.files import artifact_files
from app.services.files.artifact_files import SavedArtifacts
from app.services.records.record import Record, each_again
from app.services.records.stored_times import epoch_of
from app.services.records.tables import PLANNING_ARTIFACTS
from app.services.runs.contents import LARGE, ContentKind, LaidOut
from app.services.runs.run_search import TextOf
from app.services.runs.statuses import PHASES
from app.services.sought import sought
from app.services.text import counted, unstacked, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import unknown_fields
from app.ui.tabs.runs.timeline_view import VERDICT_LOOKS
from app.ui.theme import Icon, Tone
from app.ui.widgets import formatting
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Lines, StatusChip, field_icons, give_menu, push_button, tool_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import ask_save, choose_folder
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, in_column, in_row, name_choice
from app.ui.widgets.line_view import LineView, SideBySide, count_lines, one_text
from app.ui.widgets.markdown_view import MOST_MARKS, MarkdownView, find_next, mark_all
from app.ui.widgets.panes import FieldList
from app.ui.widgets.picker import ChoiceBox
from app.workers.contents import prepare_contents
from app.workers.runner import Task, watched
from models import engine, errors, progress


class OtherColumnsButton(QPushButton):
    """Says how many such columns a version has something in, and shows them; hidden where there are none."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._artifact: Record | None = None
        self.setProperty("kind", "secondary")
        self.setAutoDefault(False)
        self.clicked.connect(self._show_them)
        self.hide()

    def show_of(self, artifact: Record | None) -> None:
        """Those of a version that was read whole; None where it was not, yet."""
        self._artifact = artifact
        filled = (
            []
            if artifact is None
            else [name for name, value in artifact.unknown.items() if value not in (None, "")]
        )
        self.setText(f"{counted(len(filled), 'other column')}…")
        self.setVisible(bool(filled))

    def _show_them(self) -> None:
        artifact = self._artifact
        if artifact is None:
            return
        version = formatting.figure(artifact["version"])
        which = f", version {formatting.first_line(version, 20)}" if version else ""
        phase = formatting.first_line(artifact.text("phase"), 60)
        box = Dialog(
            self._context.theme,
            visible(f"Other columns of {phase}{which}"),
            "What this database stores of it in columns that only it has.",
            parent=self.window(),
        )
        fields = FieldList(self._context.theme)
        fields.set_fields(unknown_fields(artifact))
        box.add_widget(fields)
        box.set_close_button()
        box.open_once()


PATIENCE_MS: Final = 300
"""After which it is said what is waited for, and how often what was typed is there."""
NOT_TOLD: Final = "This database has no table planning_artifacts: what its phases produced is not known."
_NO_OTHER, _NOT_FOUND = "Compare with…", "Not found"
_NARROW, _NARROW_ALONE = 860, 700
"""The width of the panel below which what is seldom changed is behind "…", of two versions and of one."""
_FIND, _FIND_NARROW, _FIND_ALONE, _LEAST, _SIDE = 150, 112, 240, 100, 12
"""How wide the words to find may be, the least height of a content, and the room between versions."""


class _Side(QWidget):
    """Which version stands there: its verdict, score and time beside it."""

    def __init__(self, context: Context, name: str, changed: Callable[[], object]) -> None:
        super().__init__()
        self._context = context
        self._has_one = False
        self.versions = ChoiceBox()
        name_choice(self.versions, name)
        self.versions.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.versions.currentIndexChanged.connect(lambda _: changed())
        self.verdict, self.facts = StatusChip(context.theme), Label(look=Look.DIM)
        self.others = OtherColumnsButton(context)
        self._line = Lines(gap=8)
        self._line.set_parts([self.versions, self.verdict, self.others, self.facts])
        in_column(self._line, within=self, margins=(0, 2, _SIDE, 2))

    def show_artifact(self, artifact: Record | None) -> None:
        self._has_one = artifact is not None
        self.others.show_of(None)
        self.verdict.setVisible(self._has_one)
        self.facts.setVisible(self._has_one)
        if artifact is None:
            return
        verdict = artifact.text("review_verdict")
        tone, icon = VERDICT_LOOKS.get(verdict, (Tone.NEUTRAL, None))
        self.verdict.set(verdict or "no verdict", tone, icon)
        at = epoch_of(artifact["created_at"])
        utc = self._context.settings.utc_times
        self.facts.setText("not known when" if at is None else formatting.absolute_time(at, utc))
        self.verdict.setToolTip(self.facts.text())
        self._make_room()

    def show_others(self, artifact: Record) -> None:
        """What was read of it, whole."""
        self.others.show_of(artifact)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Of what does not stand in one line the time goes, which the tip says."""
        others = [] if self.others.isHidden() else [self.others]
        needed = self._line.size_of([self.versions, self.verdict, *others, self.facts]).width()
        self.facts.setVisible(self._has_one and needed <= self.width() - _SIDE)


class _Sought(QLineEdit):
    """Empties itself on Escape; with nothing to empty, that goes on to the page."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)


class ArtifactsPanel(QWidget):
    """`show_artifacts(run, artifacts, phase)`, and `show_phase(phase)` of them; `shown()` when one is,
    `picked(phase)` when a person has chosen one here.
    """

    shown = Signal()
    picked = Signal(str)

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._run: Record | None = None
        self._artifacts: tuple[Record, ...] = ()
        self._is_told = True
        self._prepared: LaidOut | None = None
        self._wanted = ""
        """Words to go to in what is being read."""
        self._as_text_to_find = False
        self._different = 0
        """Lines."""
        self._tasks: list[Task] = []
        theme = context.theme
        self.phases = ChoiceBox()
        name_choice(self.phases, "Phase")
        self.phases.setMaxVisibleItems(len(PHASES) + 2)
        self.phases.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.left = _Side(context, "Version", self._show)
        self.right = _Side(context, "Version to compare", self._show)
        self.differ, self.note = Label(look=Look.DIM), Label(look=Look.DIM, wrap=True)
        self.up = tool_button(theme, Icon.CARET_UP, "Previous difference", lambda: self.go(-1))
        self.down = tool_button(theme, Icon.CARET_DOWN, "Next difference", lambda: self.go(1))
        self.beside = QCheckBox("Side by side")
        self.beside.setChecked(True)
        self.only = QCheckBox("Only differences")
        self.only.setChecked(True)
        self.as_text = QCheckBox("As text")
        self.sought = _Sought(placeholderText="Find…", clearButtonEnabled=False)
        self.sought.setAccessibleName("Find in this text")
        self.found = Label(look=Look.DIM)
        self.found.hide()
        field_icons(theme, self.sought, Icon.SEARCH)
        self.cancel_button = push_button(theme, "Cancel", self._cancel)
        self._page = 0
        self.before = tool_button(theme, Icon.CARET_LEFT, "Previous part", lambda: self.turn(-1))
        self.after = tool_button(theme, Icon.CARET_RIGHT, "Next part", lambda: self.turn(1))
        self.pages = QSpinBox(prefix="Part ", minimum=1)
        self.pages.setKeyboardTracking(False)
        self.pages.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.pages.setAccessibleName("Part of the text")
        self.pages.setGroupSeparatorShown(True)
        self.pages.valueChanged.connect(lambda part: self.turn(part - 1 - self._page))
        self.save_button = push_button(theme, "Save", icon=Icon.EXPORT)
        self.more_button = tool_button(theme, Icon.MORE, "Compare and save")
        menu, more = QMenu(self.save_button), QMenu(self.more_button)
        menu.setAccessibleName("Save")
        more.setAccessibleName("Compare and save")
        self._save_version = menu.addAction("Save this version…", self.save_version)
        menu.addAction("Save all of this run…", self.save_run)
        self._boxes = [(box, more.addAction(box.text(), box.toggle)) for box in (self.only, self.beside)]
        more.addSeparator()
        more.addActions(menu.actions())
        more.aboutToShow.connect(self._follow_boxes)
        give_menu(self.save_button, menu)
        self.more_button.setMenu(more)
        self.more_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._offered: set[QWidget] = set()
        """What can be done with what is shown, in whatever room."""
        self.lines = LineView(theme, "Content by lines", self._work)
        self.nothing = Label(look=Look.DIM, wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.nothing.setMargin(8)
        self._stack = QStackedLayout()
        self._counting = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        """Until the words to find have been typed."""
        self._counting.timeout.connect(self._count)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._patience.timeout.connect(self._say_wait)
        self._lay_out()
        self._connect()
        parts = (self.differ, self.up, self.down, self.only, self.beside, self.as_text, self.left, self.right)
        for part in parts:
            part.hide()
        self._show_pages(0)
        self._say("")
        self.cancel_button.hide()
        self._make_room()

    def _lay_out(self) -> None:
        head = self._head = Lines(gap=8)
        parts: list[QWidget] = [self.phases, self.as_text, self.sought]
        right: list[QWidget] = [self.found, self.differ, self.up, self.down, self.only, self.beside]
        right += [self.save_button, self.more_button]
        head.set_parts([*parts, *right], at_right=len(right))
        sides = in_row((self.left, 1), (self.right, 1), spacing=0)
        foot = in_row((self.note, 1), None, self.before, self.pages, self.after, self.cancel_button)
        in_column(head, sides, (self._stack, 1), foot, within=self, spacing=4)
        for page in (self.lines, self.nothing):
            self._add_page(page)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Where one line has no room for all, what is seldom changed is behind "…"."""
        are_two = self._offered & {self.only, self.beside}
        is_narrow = self.width() < (_NARROW if are_two else _NARROW_ALONE)
        for part in (self.only, self.beside, self.save_button):
            part.setVisible(part in self._offered and not is_narrow)
        self.more_button.setVisible(self.save_button in self._offered and is_narrow)
        beside = _FIND_NARROW if is_narrow else _FIND
        self.sought.setFixedWidth(beside if self.only in self._offered else _FIND_ALONE)

    def _offer_only(self, parts: Iterable[QWidget], on: bool) -> None:
        self._offered = self._offered.union(parts) if on else self._offered.difference(parts)
        self._make_room()

    def _follow_boxes(self) -> None:
        for box, action in self._boxes:
            action.setCheckable(True)
            action.setChecked(box.isChecked())
            action.setVisible(box in self._offered)

    def _add_page(self, page: QWidget) -> None:
        """Takes the room there is, whatever Qt would ask for."""
        page.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        page.setMinimumHeight(_LEAST)
        self._stack.addWidget(page)

    @cached_property
    def markdown(self) -> MarkdownView:
        """Made when there is first one to show; the tree, too."""
        view = MarkdownView(self._context.theme, "Content")
        self._add_page(view)
        return view

    @cached_property
    def tree(self) -> JsonView:
        view = JsonView(self._context.theme, "Content")
        view.show_tree(True)
        self._add_page(view)
        return view

    def _connect(self) -> None:
        self.phases.currentIndexChanged.connect(lambda _: self._show_versions())
        self.phases.activated.connect(lambda _: self.picked.emit(self.phase() or ""))
        self.beside.toggled.connect(lambda on: self._show_versions())
        self.only.toggled.connect(self.lines.show_only_different)
        self.as_text.toggled.connect(lambda on: self._turn_form())
        self.sought.textChanged.connect(self._seek)
        self.sought.returnPressed.connect(self._find_next)

    # what is shown

    def show_artifacts(self, run: Record, found: Sequence[Record] | None, phase: str) -> None:
        """Those of a run, and of them a phase; where they are the same as before, what is shown stays. None
        where the file has no such table.
        """
        artifacts, self._is_told = found or (), found is not None
        before = [(one["id"], one.row) for one in self._artifacts]
        is_same = self._run is not None and self._run["id"] == run["id"]
        if not is_same:
            self._show_as_it_is()
            self.sought.clear()
        self._run, self._artifacts = run, tuple(artifacts)
        if is_same and before == [(one["id"], one.row) for one in artifacts]:
            return
        self.phases.blockSignals(True)
        self.phases.clear()
        for name in dict.fromkeys(one.text("phase") for one in artifacts):
            self.phases.addItem(visible(formatting.first_line(name, 60)), name)
        self.phases.setCurrentIndex(-1)
        self.phases.blockSignals(False)
        self.show_phase(phase)

    def phase(self) -> str | None:
        found = self.phases.currentData()
        return found if isinstance(found, str) else None

    def show_phase(self, phase: str) -> None:
        """The newest version of it, beside the one before where there is one."""
        at = next((n for n in range(self.phases.count()) if self.phases.itemData(n) == phase), -1)
        if at >= 0 and at == self.phases.currentIndex():
            return
        self.phases.setCurrentIndex(at)  # which shows its versions
        if at < 0:
            name = visible(formatting.first_line(phase, 40))
            self.phases.setPlaceholderText(name)
            nothing = f"{name} has produced nothing yet." if self._is_told else NOT_TOLD
            self._show_nothing(nothing)

    def look_for(self, words: str, of: TextOf) -> None:
        """Goes to where the words stand in an artifact of the phase that is shown, as soon as it is."""

        def is_it(one: Record) -> bool:
            return bool(one["id"] == of.artifact_id and (one["id"] is not None or one.row == of.row))

        place = next((n for n, one in enumerate(self._versions()) if is_it(one)), None)
        self._wanted = words
        if place is not None and not any(map(is_it, self._chosen())):
            self.left.versions.setCurrentIndex(self.left.versions.findData(place))
        elif not self._tasks:
            self._find_wanted()

    def _find_wanted(self) -> None:
        words, self._wanted = self._wanted, ""
        if words:
            self.sought.setText(words)
            self._find_next()

    def _versions(self) -> list[Record]:
        phase = self.phase()
        return [one for one in reversed(self._artifacts) if one.text("phase") == phase]

    def _show_versions(self) -> None:
        versions = self._versions()
        self.left.setVisible(bool(versions))
        for side in (self.left, self.right):
            side.versions.blockSignals(True)
            side.versions.clear()
        self.right.versions.addItem(_NO_OTHER, -1)
        for place, one in enumerate(versions):
            version = formatting.figure(one["version"])
            words = visible(f"Version {formatting.first_line(version, 20)}" if version else "No version")
            score = formatting.score(one["overall_score"])
            for side in (self.left, self.right):
                side.versions.addItem(f"{words} · {score}" if score else words, place)
        several = len(versions) > 1
        both = several and self.beside.isChecked()
        self.left.versions.setCurrentIndex(max(0, len(versions) - (2 if both else 1)))
        self.right.versions.setCurrentIndex(len(versions) if both else 0)
        for side in (self.left, self.right):
            side.versions.blockSignals(False)
        self._offer_only([self.beside], several)
        self.right.setVisible(both)
        self._show()

    def _chosen(self) -> list[Record]:
        versions = self._versions()
        places = [self.left.versions.currentData(), self.right.versions.currentData()]
        return [versions[n] for n in places if isinstance(n, int) and 0 <= n < len(versions)]

    def _show(self) -> None:
        chosen = self._chosen()
        self.left.show_artifact(chosen[0] if chosen else None)
        self.right.show_artifact(chosen[1] if len(chosen) > 1 else None)
        if not chosen:
            return
        self._stop()
        self._tell_found("")
        self._patience.start()
        runner = self._context.runner
        self._tasks.append(runner.read(_whole, chosen, on_done=self._read, on_failed=self._failed))

    def _read(self, whole: list[Record]) -> None:
        self._tasks.clear()
        for side, one in zip((self.left, self.right), whole, strict=False):
            side.show_others(one)
        work = partial(_prepared, [one.text("content") for one in whole])
        self._tasks.append(self._context.runner.job(work, on_done=self._came, on_failed=self._failed))

    def _came(self, found: tuple[LaidOut, int]) -> None:
        prepared, self._different = found
        self._ended()
        before, self._prepared = self._prepared, prepared
        self._page = 0
        if self._as_text_to_find or (before is not None and before.kind is not prepared.kind):
            self._show_as_it_is()
        self._show_prepared()
        if not self._wanted:
            self._seek(self.sought.text())
        self._find_wanted()
        self.shown.emit()

    def _turn_form(self) -> None:
        """The other form, at the words that are looked for."""
        seeks = bool(self.sought.text())
        if seeks and self.as_text.isChecked():
            self.lines.laid_out.connect(self._find_next, Qt.ConnectionType.SingleShotConnection)
        self._show_prepared()
        if seeks and isinstance(self._stack.currentWidget(), MarkdownView):
            self._find_next()

    def _show_as_it_is(self) -> None:
        """What was shown as text, to find words in it or because it was of that kind, was another one."""
        self._as_text_to_find = False
        self.as_text.blockSignals(True)
        self.as_text.setChecked(False)
        self.as_text.blockSignals(False)

    def _show_prepared(self) -> None:
        found = self._prepared
        if found is None:
            return
        is_single, different = found.is_single, self._different
        said = (
            f"{counted(different, 'line')} differ{'s' if different == 1 else ''}"
            if different
            else ("No difference" if found.same else "Only line breaks or layout differ")
        )
        self.differ.setText("" if is_single else said)
        self.differ.setVisible(not is_single and not self.found.text())
        for part in (self.up, self.down):
            part.setVisible(not is_single)
        self._offer_only([self.only], not is_single)
        for button in (self.up, self.down):
            button.setEnabled(different > 0)
        is_tree = found.kind is ContentKind.JSON and len(found.text) <= LARGE
        self.as_text.setVisible(is_single and (is_tree or found.kind is ContentKind.MARKDOWN))
        note = ""
        if found.kind is ContentKind.BROKEN_JSON:
            note = "This is not valid JSON; it is shown as stored."
        elif found.kind is ContentKind.DEEP_JSON:
            note = "This nests too deep to be read as JSON; it is shown as stored."
        if not is_single or self.as_text.isChecked() or not (is_tree or found.kind is ContentKind.MARKDOWN):
            only = self.only.isChecked() and not is_single
            self._stack.setCurrentWidget(self.lines)
            self.lines.show_lines(SideBySide(found.diff, is_single), only_different=only)
        elif is_tree:
            self.tree.set_json(found.text)
            self.tree.show_tree(True)
            self._stack.setCurrentWidget(self.tree)
        else:
            self.markdown.show_markdown(unstacked(found.pages[self._page]))
            mark_all(self.markdown, self.sought.text(), self._context.theme)
            self._stack.setCurrentWidget(self.markdown)
        self._offer(True)
        self._show_pages(len(found.pages) if self._stack.currentWidget() is not self.lines else 0)
        self._say(note)
        if not is_single:
            announce(self.lines, said)

    def _show_pages(self, count: int) -> None:
        """Which part of so many is shown."""
        for part in (self.before, self.pages, self.after):
            part.setVisible(count > 1)
        self.pages.blockSignals(True)
        self.pages.setMaximum(max(1, count))
        self.pages.setSuffix(f" of {count:,}")
        self.pages.setValue(self._page + 1)
        self.pages.blockSignals(False)
        self.before.setEnabled(self._page > 0)
        self.after.setEnabled(self._page + 1 < count)

    def turn(self, step: int) -> None:
        """To the next part of a long Markdown text, or with -1 to the one before."""
        found = self._prepared
        if found is not None and 0 <= self._page + step < len(found.pages):
            self._page += step
            self._show_prepared()
            announce(self.pages, self.pages.text())

    def _show_nothing(self, words: str) -> None:
        self._stop()
        self._prepared = None
        self._show_pages(0)
        self.differ.setText("")
        self._tell_found("")
        for part in (self.differ, self.up, self.down, self.as_text):
            part.hide()
        self._offer_only([self.only, self.beside], False)
        for side in (self.left, self.right):
            side.setVisible(side.isVisibleTo(self) and bool(self._chosen()))
        self.lines.show_lines(one_text(""))
        self.nothing.setText(words)
        self._stack.setCurrentWidget(self.nothing)
        self._offer(False)
        announce(self.nothing, words)

    def _offer(self, is_shown: bool) -> None:
        """What is done with a text that is shown, and with those of the run where it has any."""
        self.sought.setVisible(is_shown)
        self._save_version.setEnabled(is_shown)
        self.phases.setVisible(bool(self._artifacts))
        self._offer_only([self.save_button], bool(self._artifacts))

    def _failed(self, error: errors.TenantAdminError) -> None:
        self._ended()
        if not isinstance(error, errors.Cancelled):
            self._show_nothing(str(error))

    def _say(self, words: str) -> None:
        self.note.say(words)

    def _say_wait(self) -> None:
        """In place of what was shown before, which is not what the names above it say now."""
        words = "Reading and comparing…" if len(self._chosen()) > 1 else "Reading…"
        self._say(words)
        self.nothing.setText(words)
        self._stack.setCurrentWidget(self.nothing)
        self._show_pages(0)
        self.differ.hide()
        self.cancel_button.show()

    def _ended(self) -> None:
        self._patience.stop()
        self._tasks.clear()
        self.cancel_button.hide()
        self._say("")

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._ended()

    def _cancel(self) -> None:
        self._stop()
        self._show_nothing("Cancelled. Choose a version to read it again.")

    def _work(self, make: Callable[[progress.Pause], Any], done: Callable[[Any], None]) -> Task:
        def work(monitor: progress.Monitor) -> Any:
            with watched(monitor):  # of large texts there are more rows than may be looked through at once
                return make(progress.Breath(monitor.cancelled))

        return self._context.runner.job(work, on_done=done)

    # going about in it

    def go(self, step: int) -> None:
        """To the next difference, or with -1 to the one before."""
        self.lines.go_to_change(step)

    def _seek(self, words: str) -> None:
        self._tell_found("")
        self.lines.seek(words)
        if isinstance(shown := self._stack.currentWidget(), MarkdownView):
            count = mark_all(shown, words, self._context.theme)
            if words and self._is_in_a_part(words):
                self._tell_found(self._counted(count))
            elif words:
                self._tell_found(_NOT_FOUND)
        elif words:
            self._counting.start()

    def _count(self) -> None:
        """Says how many lines have the words, where nothing leads from one to the next yet."""
        found, words = self._prepared, self.sought.text()

        def tell(count: int) -> None:
            if (found, words, "") == (self._prepared, self.sought.text(), self.found.text()):
                self._tell_found(counted(count, "line") if count else _NOT_FOUND)

        if found is not None and words and not self.found.text():
            self._work(partial(count_lines, found.diff, words), tell)

    def _find_next(self) -> None:
        words = self.sought.text()
        if not words:
            return
        shown = self._stack.currentWidget()
        if isinstance(shown, MarkdownView):
            self._find_in_parts(words)
            return
        if isinstance(shown, JsonView):
            self._as_text_to_find = True
            self.as_text.setChecked(True)  # which finds it
            return
        if self.only.isChecked() and self.right.isVisibleTo(self):  # what is folded is looked through, too
            self.lines.laid_out.connect(self._find_next, Qt.ConnectionType.SingleShotConnection)
            self.only.setChecked(False)
            return
        self.lines.find_next(1, self._say_found)

    def _find_in_parts(self, words: str) -> None:
        """To the next place in a Markdown text, through its parts and back to the first."""
        if find_next(self.markdown, words):
            self._tell_place(words)
            return
        found, wanted = self._prepared, sought(words)
        count = 0 if found is None else len(found.pages)
        for step in range(1, count + 1):
            page = (self._page + step) % count
            if found is not None and wanted in sought(found.pages[page]):
                self.turn(page - self._page)
                self.markdown.moveCursor(QTextCursor.MoveOperation.Start)
                if find_next(self.markdown, words):
                    self._tell_place(words)
                    return
        self._tell_found(_NOT_FOUND)

    def _is_in_a_part(self, words: str) -> bool:
        wanted, pages = sought(words), () if self._prepared is None else self._prepared.pages
        return any(wanted in sought(page) for page in pages)

    def _counted(self, count: int) -> str:
        several = self._prepared is not None and len(self._prepared.pages) > 1
        if several and not count:
            return "none in this part"
        said = f"{count:,}{'' if count < MOST_MARKS else ' or more'}"
        return f"{said} in this part" if several else counted(count, "place")

    def _tell_place(self, words: str) -> None:
        at = self.markdown.textCursor().selectionStart()
        marks = self.markdown.extraSelections()
        place = next((n for n, mark in enumerate(marks, 1) if mark.cursor.selectionStart() == at), None)
        self._tell_found("" if place is None else f"{place:,} of {self._counted(len(marks))}")

    def _say_found(self, place: int, count: int) -> None:
        self._tell_found(f"{place} of {counted(count, 'line')}" if count else _NOT_FOUND)

    def _tell_found(self, words: str) -> None:
        """In the place of how many lines differ: nothing else moves."""
        self.found.say(words)
        self.differ.setVisible(bool(self.differ.text()) and not words)
        if words:
            announce(self.found, words)

    # saving

    def save_version(self) -> None:
        """Asks where to, and writes the version that is shown there as it is stored."""
        chosen, run = self._chosen(), self._run
        if not chosen or run is None or self._prepared is None:
            return
        newest = chosen[-1]
        name = artifact_files.name_alone(run, newest["phase"], newest["version"], self._prepared.text)
        found = ask_save(self._context.theme, self, "Save this version", name)
        if found is not None:
            save = partial(artifact_files.save_one, artifact=newest, path=found[0])
            self._context.runner.read(save, on_done=lambda path: self._context.say(f"Saved as “{path.name}”"))

    def save_run(self) -> None:
        """Asks for a folder, and writes all that the run has produced into a new one in it."""
        if self._run is not None:
            theme, start = self._context.theme, self._context.opened.folder
            choose_folder(theme, self, "Save all of this run", start, self.save_run_in)

    def save_run_in(self, folder: Path) -> None:
        """The same into a folder, with progress and cancel in the status bar."""
        if self._run is None:
            return
        database, run_id = self._context.opened.database, self._run["id"]

        def work(monitor: progress.Monitor) -> SavedArtifacts:
            with database.connection_context(), database.cancellable(monitor.cancelled):
                return artifact_files.save_all(database, run_id, folder, monitor)

        def saved(found: SavedArtifacts) -> None:
            self._context.say(f"{counted(found.files, 'file')} saved in “{found.folder.name}”", found.folder)

        self._context.job("Saving what the run has produced…", work, on_done=saved)


def _prepared(contents: Sequence[str], monitor: progress.Monitor) -> tuple[LaidOut, int]:
    """As it is shown, and how many lines differ: of millions that takes a moment, too."""
    with watched(monitor):
        found = prepare_contents(contents, monitor)
        return found, found.diff.different(progress.Breath(monitor.cancelled))


def _whole(database: engine.Database, artifacts: Sequence[Record]) -> list[Record]:
    """These artifacts with all that they hold. Raises `NotFound` where one is gone."""
    found = [one for one in each_again(database, artifacts) if one is not None]
    if len(found) < len(artifacts):
        raise errors.NotFound(PLANNING_ARTIFACTS.noun[0])
    return found
