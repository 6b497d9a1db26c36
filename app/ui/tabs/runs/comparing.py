"""Two to five runs side by side, what differs first."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QSizePolicy, QVBoxLayout, QWidget

from app.itemmodels.columns import Column
from app.services.records.stored_times import epoch_of
from app.services.records.tables import PLANNING_RUNS
from app.services.runs import run_compare
from app.services.runs.run_compare import Compared, ComparedLine, Said
from app.services.text import counted, readable
from app.ui.session.context import Context
from app.ui.tabs.runs.run_acts import status_word
from app.ui.theme import Icon, Theme, Tone
from app.ui.widgets import formatting
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import CheckBox, push_button
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.labels import Label, Look, bounded, in_row
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.export import save
from models.errors import TenantAdminError

_SIZE = QSize(1080, 640)
_TITLE, _CELL, _ROWS, _NARROWEST, _WIDEST, _LINES = 60, 400, 15, 90, 260, 5
_BELOW, _OF_ID = " · ", 8
_OF_NAMES = 0.22
"""How much of the width the names of the fields take at the most; they wrap, too."""
_NUMBERS = frozenset({Said.NUMBER, Said.SCORE, Said.MONEY, Said.SECONDS})
_ALIKE, _AROUND = 32, 12
_FILTERS = {"CSV (*.csv)": ".csv", "Markdown (*.md)": ".md"}


class _SideBySide(StaticTable):
    """The runs share the width that the names of the fields leave, where that is enough to read; rows are as
    high as their words need in it. Fewer of them are enough for its head to stay in sight.
    """

    fewest = 2

    def __init__(self, theme: Theme, name: str, columns: Sequence[Column]) -> None:
        super().__init__(theme, name, columns, most=_ROWS, wraps=_LINES)
        self._header.below = _BELOW
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHintForColumn(self, column: int) -> int:
        return min(_WIDEST, super().sizeHintForColumn(column))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        titles, modes = self.horizontalHeader(), QHeaderView.ResizeMode
        runs = range(1, titles.count())
        names = max(self.sizeHintForColumn(0), titles.sectionSizeHint(0))
        names = min(names, max(_NARROWEST, round(self.viewport().width() * _OF_NAMES)))
        is_enough = self.viewport().width() - names >= _NARROWEST * len(runs)
        for column in runs:
            titles.setSectionResizeMode(column, modes.Stretch if is_enough else modes.ResizeToContents)
        titles.setSectionResizeMode(0, modes.Fixed)
        titles.resizeSection(0, names)


class CompareDialog(Dialog):
    """Reads the runs when it opens. `looks` are those of their statuses."""

    def __init__(
        self,
        context: Context,
        run_ids: Sequence[Any],
        looks: Mapping[Any, tuple[Tone, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, f"Compare {counted(len(run_ids), 'run')}", parent=parent)
        self._context, self._looks = context, looks
        self._found: Compared | None = None
        self._is_closed = False
        self.state = Label("Reading…", Look.DIM, wrap=True)
        self.newest, self.equal = CheckBox("Newest at the left"), CheckBox("Equal lines, too")
        self.newest.setChecked(True)
        choices = QWidget()
        in_row((self.state, 1), self.newest, self.equal, spacing=16, within=choices)
        self.table: StaticTable | None = None
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        holder = QWidget()
        holder.setLayout(self._place)
        self.add_widget(choices)
        self.add_widget(holder, 1)
        theme = context.theme
        self.copy_markdown = push_button(theme, "Copy as Markdown", self._copy_markdown, icon=Icon.COPY)
        self.copy_csv = push_button(theme, "Copy as CSV", self._copy_csv, icon=Icon.COPY)
        self.export = push_button(theme, "Export…", self._ask_export, icon=Icon.EXPORT)
        self._buttons_of_it = (self.copy_markdown, self.copy_csv, self.export)
        for button in self._buttons_of_it:
            button.setEnabled(False)
        self.set_close_button(left=self._buttons_of_it)
        self.newest.toggled.connect(self._show)
        self.equal.toggled.connect(self._show)
        self.finished.connect(self._end)
        self.open_as_large_as(_SIZE)
        context.runner.read(
            run_compare.compare,
            tuple(run_ids),
            now=context.clock(),
            on_done=self._take,
            on_failed=self._say_failure,
        )

    @property
    def shown(self) -> Compared:
        """What is compared, in the order of the columns."""
        assert self._found is not None  # noqa: S101 - no button is enabled before
        return self._found.newest_first() if self.newest.isChecked() else self._found

    def words(self, line: ComparedLine, value: Any) -> str:
        """How a value is said here, and in Markdown."""
        if value is None:
            return formatting.NOTHING
        match line.said:
            case Said.TIME if (at := epoch_of(value)) is not None:
                return formatting.absolute_time(at, self._context.settings.utc_times)
            case Said.SCORE:
                return formatting.score(value)
            case Said.NUMBER:
                return formatting.figure(value)
            case Said.MONEY if isinstance(value, int | float):
                return formatting.money(value)
            case Said.SECONDS:
                return formatting.duration(value)
            case Said.STATUS:
                return status_word(value)
        return readable(value)

    def _take(self, found: Compared) -> None:
        if self._is_closed:
            return
        self._found = found
        for button in self._buttons_of_it:
            button.setEnabled(True)
        different, same = len(found.different), len(found.equal)
        differ = f"{counted(different, 'line')} differ{'s' if different == 1 else ''}"
        said = f"{differ}; {same:,} {'is' if same == 1 else 'are'} equal"
        self.state.setText(said)
        announce(self.state, said)
        self._show()

    def _show(self) -> None:
        if self._found is None:
            return
        shown = self.shown
        is_first = self.table is None
        if self.table is not None:
            self._place.removeWidget(self.table)
            self.table.deleteLater()
        lines = shown.different + (shown.equal if self.equal.isChecked() else ())
        self.table = _SideBySide(self._context.theme, "Runs compared", self._columns(shown))
        self.table.show_rows([self._cells(line) for line in lines])
        self._place.addWidget(self.table)
        self.table.show()
        if lines:
            self.table.select_row(0)
        if is_first:
            self.table.setFocus()

    def _columns(self, shown: Compared) -> list[Column]:
        """One a run, headed by its idea, and by when it began, which tells it from others of that idea; or
        else by its id. The zone of these times is said once, beside them.
        """
        utc = self._context.settings.utc_times
        known = [at for at in shown.created if at is not None]
        zone = f"{_BELOW}Created ({formatting.zone_of(known, utc)})" if known else ""
        columns = [StaticColumn(f"Field{zone}", dim=True)]
        begun = dict(zip(known, formatting.times_apart(known, utc), strict=True))
        for run_id, idea, created in zip(shown.ids, shown.ideas, shown.created, strict=True):
            key = bounded(readable(run_id))
            is_alone = shown.created.count(created) == 1
            at = begun[created] if created is not None and is_alone else f"…{key[-_OF_ID:]}"
            title = bounded(formatting.first_line(idea, _TITLE)) or formatting.EMPTY
            since = "" if created is None else f"\nCreated {formatting.absolute_time(created, utc)}"
            columns.append(StaticColumn(f"{title}{_BELOW}{at}", hint=f"{bounded(idea)}\nRun {key}{since}"))
        return columns

    def _cells(self, line: ComparedLine) -> list[Cell]:
        name = Cell(line.what, tip=f"{line.what}: {'differs' if line.differs else 'equal'}")
        words = [self.words(line, value) for value in line.values]
        shared = _shared(words) if line.said is Said.TEXT and line.differs else 0
        best = self.shown.best(line)
        return [
            name,
            *(
                self._cell(line, *one, shared, is_best=place in best)
                for place, one in enumerate(zip(line.values, words, strict=True))
            ),
        ]

    def _cell(self, line: ComparedLine, value: Any, whole: str, shared: int, *, is_best: bool) -> Cell:
        tone, icon = None if line.differs else Tone.NEUTRAL, None
        if line.said is Said.STATUS:
            tone, icon = self._looks.get(value, (Tone.NEUTRAL, None))
        if is_best:
            tip = f"{whole}, the best of them"
            return Cell(whole, tone=Tone.OK, icon=Icon.STAR, tip=tip, whole=whole, right=True)
        start = whole if value is None or not shared else f"…{' '.join(whole[shared:].split())}"
        is_right = line.said in _NUMBERS
        return Cell(
            formatting.first_line(start, _CELL), tone=tone, icon=icon, tip=whole, whole=whole, right=is_right
        )

    def _copy_markdown(self) -> None:
        copy_text(run_compare.as_markdown(self.shown, self.words))
        self._context.say("The comparison is copied as Markdown.")

    def _copy_csv(self) -> None:
        copy_text(run_compare.as_csv(self.shown))
        self._context.say("The comparison is copied as CSV.")

    def _ask_export(self) -> None:
        start = str(self._context.opened.folder / f"{PLANNING_RUNS.name}-compared.csv")
        chosen = ask_save(self.theme, self, "Export the comparison", start, ";;".join(_FILTERS))
        if chosen is not None:
            self.export_to(*chosen)

    def export_to(self, path: Path, kind: str = "") -> None:
        """Writes it as the name's ending says, or else as the filter that was chosen."""
        ending = (
            path.suffix.lower() if path.suffix.lower() in _FILTERS.values() else _FILTERS.get(kind, ".csv")
        )
        said = self.shown
        text = run_compare.as_csv(said) if ending == ".csv" else run_compare.as_markdown(said, self.words)
        self._context.job(
            f"Exporting to {path.name}…",
            lambda monitor: save(path, text),
            on_done=lambda _: self._context.say(f"The comparison is exported to {path.name}", path),
        )

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))

    def _end(self) -> None:
        self._is_closed = True


def _shared(texts: Sequence[str]) -> int:
    """How many characters long texts begin alike with, less the words around the first difference."""
    given = [text for text in texts if text != formatting.NOTHING]
    columns = zip(*given, strict=False)  # the shortest ends it
    alike = sum(1 for _ in takewhile(lambda letters: len({*letters}) == 1, columns))
    return 0 if len(given) < 2 or alike < _ALIKE else given[0].rfind(" ", 0, alike - _AROUND) + 1
