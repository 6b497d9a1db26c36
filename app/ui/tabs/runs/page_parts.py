"""Parts of an opened run: its numbers, and what stands below the phases beside its artifacts."""

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.services.records.history import CHARGED, PastEntry
from app.services.records.run_search import TextPlace
from app.services.records.run_timeline import ALL_ABOUT, RunNote, RunStory
from app.services.records.stored_times import epoch_of
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.runs import page_words
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.marked_text import MarkedText
from app.ui.widgets.panes import EmptyState, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

_ENTRIES = (StaticColumn("Entry"), StaticColumn("Who", dim=True), StaticColumn("When", dim=True))
_NOTES = (StaticColumn("Notification"), StaticColumn("Type", dim=True), StaticColumn("When", dim=True))
_BESIDE_NOTES = 10
"""Rows of entries that stand above notifications: the rest scrolls, so that these are near."""
_SHOWN_ABOVE = ("config", "status", "quality_score")


class KeptPart(QWidget):
    """The run's config and metadata as trees, and its fields."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        theme = context.theme
        self.config, self.metadata = JsonView(theme, "Config"), JsonView(theme, "Metadata")
        for view in (self.config, self.metadata):
            view.show_tree(True)
        self.fields = FieldList(theme)
        in_column(self.config, self.metadata, self.fields, None, within=self)

    def show_story(self, story: RunStory) -> None:
        run = story.run
        for view, stored in ((self.config, run["config"]), (self.metadata, run.unknown.get("metadata"))):
            view.setVisible(stored is not None)
            view.set_json(None if stored is None else str(stored))
        revenue = declared.amount(run["revenue_potential"])
        self.fields.set_fields(
            declared.fields(self._context, run, without=_SHOWN_ABOVE, revenue_potential=revenue)
        )


class AboutPart(QWidget):
    """Every entry and notification that names the run: what to do with the one that is opened, and how they
    are read where each is charged.
    """

    def __init__(
        self,
        context: Context,
        show_entry: Callable[[PastEntry], object],
        show_note: Callable[[RunNote], object],
        read: Callable[[], object],
        read_on: Callable[[], object],
    ) -> None:
        super().__init__()
        self._context, self._show_entry, self._show_note = context, show_entry, show_note
        self._entries: tuple[PastEntry, ...] = ()
        self._notes: tuple[RunNote, ...] = ()
        theme = context.theme
        self.entries = StaticTable(theme, "Entries about this run", _ENTRIES, most=None)
        self.notes = StaticTable(theme, "Notifications about this run", _NOTES, most=None)
        self.said = Label(look=Look.DIM, wrap=True)
        self.read_button = push_button(theme, "Read them", read, icon=Icon.HISTORY)
        self.older_button = push_button(theme, "Show older ones", read_on, icon=Icon.HISTORY)
        above = in_row((self.said, 1), self.older_button, self.read_button)
        self.empty = EmptyState(
            theme,
            Icon.HISTORY,
            "Nothing is said of it yet",
            "What is done to this run, here or by the platform, is recorded in the audit chain and stands"
            " here, as do the notifications that name it.",
        )
        in_column(above, self.entries, self.notes, self.empty, None, within=self)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.entries.opened.connect(self._open_entry)
        self.notes.opened.connect(self._open_note)

    def show_story(self, story: RunStory) -> None:
        had_focus = self.read_button.hasFocus() or self.older_button.hasFocus()
        self.read_button.setVisible(story.entries is None)
        self.older_button.setVisible(story.may_be_more and story.most < ALL_ABOUT)
        self.said.setText(self._said_of(story))
        self._entries, self._notes = story.entries or (), story.notes or ()
        self.entries.show_rows([self._entry(one) for one in self._entries])
        self.notes.show_rows([self._note(one) for one in self._notes])
        self.entries.set_most(_BESIDE_NOTES if self._notes else None)
        self.entries.setVisible(bool(self._entries))
        self.notes.setVisible(bool(self._notes))
        is_known = story.entries is not None and story.notes is not None
        self.empty.setVisible(is_known and not (self._entries or self._notes))
        if had_focus and self.read_button.isHidden() and self.older_button.isHidden():
            shown = (table for table in (self.entries, self.notes) if not table.isHidden())
            next(shown, self).setFocus(Qt.FocusReason.OtherFocusReason)

    def _said_of(self, story: RunStory) -> str:
        found = page_words.looked_through(story)
        if not self._context.costs:
            return found
        read = f"up to {2 * CHARGED:,} entries and notifications are read"
        read += self._context.charged(", and charged")
        return f"{found}. With each change here {read}, again." if found else f"For these {read}."

    def _entry(self, entry: PastEntry) -> tuple[Cell, ...]:
        kind, what = visible(entry.event_type), visible(page_words.what_of(entry))
        when, exactly = page_words.about(self._context, entry.created_at)
        said = f"{kind} · {what}" if what else kind
        tip = f"Entry {formatting.grouped(entry.seq)} of {visible(entry.tenant_id)}: {said}"
        return Cell(said, entry.seq, tip=tip), Cell(visible(entry.actor)), Cell(when, entry.seq, tip=exactly)

    def _note(self, note: RunNote) -> tuple[Cell, ...]:
        when, exactly = page_words.about(self._context, note.created_at)
        said = visible(formatting.first_line(note.message or note.title, 160))
        whole = visible(f"{note.title}\n{note.message}", keep="\n")
        kind = visible(formatting.first_line(note.type, 40))
        return Cell(said, tip=whole), Cell(kind), Cell(when, epoch_of(note.created_at), tip=exactly)

    def _open_entry(self) -> None:
        if rows := self.entries.selected_rows():
            self._show_entry(self._entries[self.entries.source_row(rows[0])])

    def _open_note(self) -> None:
        if rows := self.notes.selected_rows():
            self._show_note(self._notes[self.notes.source_row(rows[0])])


class FoundPart(QWidget):
    """A field of the run that has words which were looked for, with each of them marked."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.caption, self.text = Label(look=Look.DIM), MarkedText(theme)
        away = tool_button(theme, Icon.CLOSE, "Put away what was found", self.hide)
        in_column(in_row((self.caption, 1), away), self.text, within=self, spacing=2)
        self.hide()

    def show_place(self, text: str, place: TextPlace) -> None:
        """Where the words stand in it, as far as they still do."""
        self.caption.setText(f"Found in: {place.of.where}")
        self.text.setAccessibleName(self.caption.text())
        self.text.show_text(text, place.before, place.found)
        self.show()


class ShownStack(QStackedLayout):
    """The part of it that is shown says how much room it needs, none of the others."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.currentChanged.connect(lambda _: self.invalidate())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        shown = self.currentWidget()
        least = self.minimumSize().height()
        return least if shown is None else max(least, shown.heightForWidth(width))

    def sizeHint(self) -> QSize:
        shown = self.currentWidget()
        return QSize() if shown is None else shown.sizeHint()

    def minimumSize(self) -> QSize:
        shown = self.currentWidget()
        return QSize() if shown is None else shown.minimumSizeHint().expandedTo(shown.minimumSize())


class FactLabel(QWidget):
    """A number with what it is above it."""

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._value, self._unit = (
            Label(look=Look.DIM),
            Label(look=Look.STRONG),
            Label(look=Look.DIM),
        )
        line = in_row(self._value, self._unit, None, spacing=5)
        in_column(self._caption, line, within=self, spacing=1)

    def show_fact(self, fact: page_words.RunFact) -> None:
        self._caption.setText(fact.caption)
        self._value.setText(fact.value)
        self._unit.setText(fact.unit)
        self._unit.setVisible(bool(fact.unit))
        said = " ".join(filter(None, (fact.value, fact.unit)))
        self._value.setAccessibleName(f"{fact.caption}: {said}")
