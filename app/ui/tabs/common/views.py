"""The views that a person has saved of a tab's list: a filter, an order and columns under a name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.services.text import counted, single_line, some_of, visible
from app.ui.tabs.common import arrangement, declared
from app.ui.tabs.common.arrangement import MOST_VIEWS, Arrangement, arrangements, written
from app.ui.theme import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.filter_row import Span
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import Label, Look, line_edit
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import InvalidInput

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

_LONGEST_NAME, _LONGEST_WORD, _NAMED = 60, 30, 3
_COLUMNS = (StaticColumn("Name"), StaticColumn("Shows", dim=True))
_HOW = "“Save this view…” is in the list of views beside the filter."
_SENTENCE = "A view is a filter, an order and the columns that show. It is kept here, not in the database."


class _NameForm(FormDialog):
    holds_work = False


class ViewsDialog(Dialog):
    """Lists the views of a tab. Enter or a double click shows one; a view of columns that the open database
    lacks says so, and is not shown: without that filter it would be another list.
    """

    def __init__(self, tab: "RecordTab") -> None:
        context = tab.context
        super().__init__(context.theme, f"Views of {tab.spec.table.title.lower()}", _SENTENCE, parent=tab)
        self._tab, theme = tab, context.theme
        self._names: list[str] = []
        self._views: dict[str, Arrangement] = {}
        self.table = StaticTable(theme, "Views", _COLUMNS, wide=1)
        self.note = Label("", Look.WARN, wrap=True)
        self.none = Label(f"No view is saved yet. {_HOW}", Look.DIM, wrap=True)
        for part in (self.table, self.none, self.note):
            self.add_widget(part)
        self.rename_button = push_button(theme, "Rename…", self._rename, icon=Icon.EDIT)
        self.remove_button = push_button(theme, "Remove", self._remove, icon=Icon.DELETE)
        self.show_button = self.set_answer("Show", self._show, cancel="Close")
        self.add_apart(self.rename_button, self.remove_button)
        self.table.selection_changed.connect(self._look)
        self.table.opened.connect(self._show)
        self._read()

    def _read(self, chosen: str = "") -> None:
        self._views = _saved(self._tab)
        self._names = sorted(self._views, key=str.casefold)
        self.table.show_rows([(Cell(name), Cell(told(self._tab, self._views[name]))) for name in self._names])
        self.table.setVisible(bool(self._names))
        self.none.setVisible(not self._names)
        if self._names:
            self.table.select_row(self._names.index(chosen) if chosen in self._names else 0)
        (self.table if self._names else self.cancel_button).setFocus()
        self._look()

    def chosen(self) -> str | None:
        rows = self.table.selected_rows()
        return self._names[self.table.source_row(rows[0])] if rows else None

    def _look(self) -> None:
        name = self.chosen()
        gone = [] if name is None else self._gone(self._views[name])
        self.note.setText(_lacks(self._tab, gone))
        self.note.setVisible(bool(gone))
        self.show_button.setEnabled(name is not None and not gone)
        (self.show_button if self.show_button.isEnabled() else self.cancel_button).setDefault(True)
        self.rename_button.setEnabled(name is not None)
        self.remove_button.setEnabled(name is not None)

    def _gone(self, view: Arrangement) -> list[str]:
        return view.gone(self._tab.spec.table, arrangement.there(self._tab))

    def _show(self) -> None:
        name = self.chosen()
        if name is None or self._gone(self._views[name]):
            return
        self.accept()
        show_view(self._tab, name, self._views[name])

    def _rename(self) -> None:
        old = self.chosen()
        if old is not None:
            view = self._views[old]
            _ask_name(
                self._tab,
                self,
                ("Rename the view", "Rename"),
                lambda name: self._keep({old: None, name: view}, name),
                name=old,
            )

    def _remove(self) -> None:
        if (gone := self.chosen()) is not None:
            self._keep({gone: None})

    def _keep(self, changed: Mapping[str, Arrangement | None], chosen: str = "") -> None:
        _keep(self._tab, changed)
        self._read(chosen)


def save_view(tab: "RecordTab") -> None:
    """Asks for a name of what the list shows, and keeps it."""
    views = _saved(tab)
    if len(views) >= MOST_VIEWS:
        tab.context.say(f"No more than {counted(MOST_VIEWS, 'view')} are kept; remove one first.")
        return
    view, left = _lasting(tab)

    def keep(name: str) -> None:
        _keep(tab, {name: view})
        tab.view_picker.shows(name)
        tab.context.say(f"“{name}” is saved{left}")

    sentence = f"Shows: {told(tab, view)}{left}"
    _ask_name(tab, tab, ("Save this view", "Save"), keep, sentence=sentence)


def update_view(tab: "RecordTab", name: str) -> None:
    """Keeps what the list shows under the name of this view, and says how to put back what it was."""
    views = _saved(tab)
    before, (now, left) = views[name], _lasting(tab)
    if now == before:
        tab.context.say(f"The list shows “{name}” as it is saved")
        return
    _keep(tab, {name: now})
    tab.view_picker.shows(name)

    put_back = partial(_keep, tab, {name: before})
    tab.context.say(f"“{name}” is updated: {told(tab, now)}{left}", act=("Put back", put_back))


def rename_view(tab: "RecordTab", name: str, *, is_last: bool) -> None:
    """Asks for another name of this view."""
    views = _saved(tab)
    view = views.pop(name)

    def keep(new: str) -> None:
        _keep(tab, {name: None, new: view})
        if is_last:
            tab.view_picker.shows(new)

    _ask_name(tab, tab, ("Rename the view", "Rename"), keep, name=name)


def remove_view(tab: "RecordTab", name: str) -> None:
    """Removes this view; the list stays as it is, and the view can be put back."""
    gone = _saved(tab)[name]
    _keep(tab, {name: None})

    tab.context.say(f"“{name}” is removed", act=("Put back", partial(_keep, tab, {name: gone})))


def _lasting(tab: "RecordTab") -> tuple[Arrangement, str]:
    """What the list shows, as a view may keep it, and what it may not."""
    now = arrangement.current(tab, columns=True)
    kept = now.lasting(tab.spec.table)
    left = [tab.spec.table.of_file(name).label for name, _ in now.choices if name not in dict(kept.choices)]
    left += ["words"] if now.text != kept.text else []
    why = "it may let others in, so it is written down nowhere"
    return kept, f", without the filter by {some_of(left, _NAMED)}: {why}" if left else ""


def _saved(tab: "RecordTab") -> dict[str, Arrangement]:
    return arrangements(tab.context.settings.views.get(tab.spec.table.name))


def show_view(tab: "RecordTab", name: str, view: Arrangement) -> bool:
    """Arranges the tab's list as the view says; not without a column that it keeps rows by, which is said."""
    gone = view.gone(tab.spec.table, arrangement.there(tab))
    if gone:
        tab.context.say(f"“{name}” is not shown. {_lacks(tab, gone)}")
        return False
    if not arrangement.arrange(tab, view):
        tab.context.say(f"“{name}” is shown with the columns there are: it was saved with others.")
    tab.filters_changed()
    return True


def _lacks(tab: "RecordTab", gone: Sequence[str]) -> str:
    has_or_have = "has no column" if len(gone) == 1 else "has none of the columns"
    table = tab.spec.table.name
    return f"The table {table} of this database {has_or_have} {', '.join(gone)}." if gone else ""


def _keep(tab: "RecordTab", changed: Mapping[str, Arrangement | None]) -> None:
    """Keeps these, or none by a name, beside what there is, which another window may have saved meanwhile."""
    tab.context.settings.look_again()
    views = {name: view for name, view in (_saved(tab) | dict(changed)).items() if view is not None}
    text = written({name: view.document() for name, view in views.items()}) if views else None
    tab.context.settings.views.set(tab.spec.table.name, text)
    tab.view_picker.tell()


def _ask_name(
    tab: "RecordTab",
    parent: QWidget,
    words: tuple[str, str],
    use: Callable[[str], object],
    *,
    name: str = "",
    sentence: str = "",
) -> None:
    """`words` are the title and the action, `name` what it is called now."""
    title, action = words
    form = _NameForm(tab.context.theme, title, sentence, action=action, parent=parent)
    field = line_edit(name)

    def check(value: FieldValue) -> str:
        try:
            line = single_line("name", "The name", str(value), longest=_LONGEST_NAME)
        except InvalidInput as error:
            return str(error)
        tab.context.settings.look_again()  # another window may have saved one meanwhile
        taken = {one.casefold() for one in _saved(tab) if one != name}
        return "There is a view of this name." if line.casefold() in taken else ""

    def done() -> None:
        form.accept()
        use(field.text().strip())

    form.add_field("name", "Name", field, check)
    form.submitted.connect(done)
    field.setFocus()
    form.open_once()


def told(tab: "RecordTab", view: Arrangement) -> str:
    """What a view shows, in one line."""
    table = tab.spec.table
    parts = [f"“{visible(view.text)}”"] if view.text else []
    for name, values in view.choices:
        words = [
            first_line(visible(declared.choice_label(table, name, value)), _LONGEST_WORD) for value in values
        ]
        parts.append(f"{table.of_file(name).label}: {some_of(words, _NAMED)}")
    parts += [view.dates.said()] if view.dates.span is not Span.ANY else []
    parts += [tab.own_words(view.own)] if view.own else []
    if view.sort is not None:
        name, descending = view.sort
        parts.append(f"by {table.of_file(name).label}{', descending' if descending else ''}")
    return " · ".join(parts) or "All rows"
