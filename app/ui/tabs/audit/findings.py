"""The findings of a verification, in a list, and the pane that shows them beside the entries.

And what a person reads for their codes, which JSON, the command and the reports have; and the buttons of what
may be said of what was found.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QPushButton, QStackedLayout, QWidget

from app.itemmodels.columns import Index
from app.services.chain.checkpoints.signing import OPEN, Way, doors_of
from app.services.chain.rules import Code, Finding
from app.services.chain.verify.report import Report
from app.services.text import counted
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets.buttons import Choice, Lines, copy_button, push_button
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.following import FollowingScroll
from app.ui.widgets.labels import Label, Look, in_column, set_tip, text_box
from app.ui.widgets.panes import Field, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

KINDS: Final = {
    Code.HASH: "Entry changed",
    Code.LINK: "Link broken",
    Code.FORK: "Chain forks",
    Code.DUPLICATE: "Entry repeated",
    Code.RESTART: "Chain begins again",
    Code.CROSS_TENANT: "Of another tenant",
    Code.ORDER: "Out of order",
    Code.GRAMMAR: "Malformed",
    Code.TYPE: "Stored wrong",
    Code.ENCODING: "Not UTF-8 text",
    Code.MARKER: "Marker wrong",
    Code.ARCHIVE: "Archive wrong",
    Code.INDEX: "Index wrong",
    Code.TRUNCATED: "Entries gone",
    Code.SEQUENCE_COUNTER: "Counter ahead",
    Code.CHECKPOINT: "Not as signed",
    Code.SIGNATURE: "Signature wrong",
    Code.ROLLBACK: "Checkpoints gone",
    Code.UNREADABLE: "Unreadable",
    Code.EARLIER: "Earlier state",
    Code.UNPROVEN_START: "Start unproven",
    Code.TIME: "Time implausible",
    Code.UNIT: "Milliseconds",
    Code.KEY: "Key not known",
    Code.NUMBERING: "Number too low",
}
"""Short enough for the list beside the entries in a small window."""


WORDS: Final = {
    Way.SIGN: ("Make one now", Icon.ADD, "Verify the database, and sign what it holds"),
    Way.START_OVER: ("Start over…", Icon.REFRESH, "Go by what the database holds now, whatever these say"),
    Way.ANOTHER_DATABASE: (
        "Another database…",
        Icon.DATABASE,
        "Leave these to the database that they are of: this is another one",
    ),
    Way.ACCEPT_STARTS: ("Accept this start…", Icon.CHECK, "Say that the chain begins where it should"),
    Way.ACCEPT_END: ("Accept this end…", Icon.CHECK, "Say that the chain ends where it should"),
}
"""Words, icon and tool tip of each."""


def way_button(theme: Theme, way: Way, act: Callable[[], object], kind: Kind = Kind.SECONDARY) -> QPushButton:
    words, icon, tip = WORDS[way]
    return push_button(theme, words, act, kind=kind, icon=icon, tip=tip)


def allow(button: QPushButton, way: Way, why: str, *, busy: bool = False) -> None:
    """Lets it be pressed where that way is open, and says else why it is not."""
    tip = WORDS[way][2]
    button.setEnabled(why == OPEN and not busy)
    set_tip(button, tip if why == OPEN else f"{tip}. {why}.")


_COLUMNS = (
    StaticColumn("Finding"),
    StaticColumn("Entry", right=True),
    StaticColumn("Tenant"),
    StaticColumn("What"),
)
_TENANT, _MOST = 2, 4
_WAYS = (Way.START_OVER, Way.ANOTHER_DATABASE)
"""What the verdict's banner has no button for."""
_WIDTH = 640
"""Of a finding by itself: a hash stands in one line, and all of it is seen at once."""
_LINES, _FEWEST, _AROUND, _GAP = (3, 2), 2, 4, 4
"""The lines that what one finding says in full keeps, fewer where as few rows as those would not be in sight
above it; pixels around what has the focus, and between the parts.
"""
_FOR_ONE = 150
"""The height of the panel in pixels from which on it says one in full, too; Return says it at any."""


class FindingsPane(QWidget):
    """What stands beside the entries: one of them, or in a small window the findings in its place."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.pages = CountChips("Beside the entries")
        self.pages.changed.connect(lambda _: self._turn())
        self._listed = QWidget()
        self._column = in_column(within=self._listed)
        self._stack = QStackedLayout()
        in_column(self.pages, (self._stack, 1), within=self)
        self._stack.addWidget(self._listed)
        self.pages.hide()

    def hold(self, inspector: QWidget) -> None:
        """Which is made in it; once."""
        self._stack.insertWidget(0, inspector)
        self._turn()

    def take(self, findings: "FindingsPanel") -> None:
        """Lists them, and shows the list."""
        self._column.addWidget(findings, 1)
        findings.set_beside(True)
        self.pages.set_chips((Choice("entry", "Entry"), Choice("findings", "Findings", findings.count)))
        self.pages.show()
        self.show_findings()

    def let_go(self) -> None:
        """Shows the entry alone."""
        self.pages.hide()
        self.show_entry()

    def show_entry(self) -> None:
        """Turns from the findings to the entry that a person goes to among the rows."""
        self.pages.set_key("entry")
        self._turn()

    def show_findings(self) -> None:
        self.pages.set_key("findings")
        self._turn()

    def _turn(self) -> None:
        self._stack.setCurrentIndex(1 if self.pages.key() == "findings" else 0)


class _WholeLines(FollowingScroll):
    """Cuts no line of a text in the middle, as long as nobody scrolls."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        lines = max(1, self.height() // self.fontMetrics().lineSpacing())
        self.setViewportMargins(0, 0, 0, max(0, self.height() - lines * self.fontMetrics().lineSpacing()))


class FindingsPanel(QFrame):
    """Hidden while there are none. `chosen(seq)` when a finding that names an entry is selected, which
    `chosen_seq` is from then on. Return and a double click show all of one. `way_wanted(Way)` of what a
    person may say of them.
    """

    chosen = Signal(object)
    way_wanted = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = StaticTable(theme, "Findings", _COLUMNS, most=_MOST, wide=3, parent=self)
        self._theme = theme
        self.table.selection_changed.connect(self._choose)
        self.table.opened.connect(self._read)
        self._beside = False
        self._seqs: list[int | None] = []
        self.chosen_seq: int | None = None
        self._found: tuple[Finding, ...] = ()
        self._more = Label(look=Look.DIM)
        self._whole = Label(wrap=True, selectable=True, caption="The finding in full")
        self._sought = FieldList(theme)
        said = QWidget()
        said.setProperty("clear", True)
        in_column(self._whole, self._sought, None, within=said, spacing=4)
        self._said = _WholeLines(_AROUND)
        self._said.setWidget(said)
        self._report: Report | None = None
        """Of which something may be said."""
        self._foot, self.way_buttons = Lines(), {way: self._button(way) for way in _WAYS}
        self._foot.set_parts([self._more, *self.way_buttons.values()])
        in_column(self.table, (self._said, 1_000), self._foot, None, within=self, spacing=_GAP)
        self._said.hide()
        self.hide()

    @property
    def count(self) -> int:
        return len(self._found)

    def set_beside(self, beside: bool) -> None:
        """Whether it stands beside the entries: there it is high and narrow, and says one finding in full."""
        self.table.set_most(_MOST)
        self.table.setColumnHidden(_TENANT, beside)
        self._beside = beside
        self._leave_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._leave_room()

    def _leave_room(self) -> None:
        """To choose a finding there must be some in sight, none of them cut by what says one in full."""
        is_said = self._beside and self.height() >= _FOR_ONE
        self._said.setVisible(is_said)
        if not self._beside:
            return
        line, room = self.fontMetrics().lineSpacing(), self.height()
        if not self._foot.isHidden():
            room -= self._foot.heightForWidth(self.width()) + _GAP
        fitting = [(lines, self.table.lines_in(room - lines * line - _GAP)) for lines in _LINES]
        lines, rows = next((one for one in fitting if one[1] >= _FEWEST), fitting[-1])
        self._said.setMinimumHeight(lines * line)
        self.table.set_most(max(1, rows if is_said else self.table.lines_in(room)))

    def _button(self, way: Way) -> QPushButton:
        return way_button(self._theme, way, partial(self.way_wanted.emit, way))

    def show_findings(self, report: Report | None, *, has_ways: bool = True) -> None:
        """Lists them; none where nothing is known. Unless it `has_ways`, nothing is said of them here: of an
        export's, say.
        """
        self._report = report if has_ways else None
        if report is None:
            self._found = ()
            self.hide()
            return
        found, archived = report.findings, _archived(report)
        self._found = tuple(found)
        self._whole.setText("Select a finding to read all of it." if found else "")
        self._sought.set_fields(())
        self.table.show_rows([_row(finding, archived=finding in archived) for finding in found])
        self._seqs = [None if finding in archived else finding.seq for finding in found]
        hidden = report.found - len(found)
        self._more.setText(f"and {counted(hidden, 'more finding')}")
        self._more.setVisible(hidden > 0)
        ways = dict[Way, str]() if not has_ways else _ways(report)
        for way, button in self.way_buttons.items():
            button.setVisible(way in ways)
            allow(button, way, ways.get(way, OPEN))
        self._foot.setVisible(hidden > 0 or bool(ways))
        self._leave_room()
        self.setVisible(bool(found))

    def first_of(self, tenant: str | None) -> Finding | None:
        """The first in the chain of a tenant, of all tenants for None; None where there is none."""
        return next((found for found in self._found if tenant in (None, found.tenant)), None)

    def go_to_first(self, tenant: str | None = None) -> None:
        """Selects it, where there is one."""
        first = self.first_of(tenant)
        if first is not None and not self.isHidden():
            self.table.select_row(self._found.index(first))

    def tenant_of(self, seq: object) -> str | None:
        """Whose the entry is that is chosen."""
        return next((found.tenant for found in self._found if found.seq == seq), None)

    def _read(self, index: Index) -> None:
        finding = self._found[self.table.source_row(index.row())]
        ways = {} if self._report is None else doors_of(self._report, finding)
        buttons = list[QPushButton]()
        dialog = _finding_dialog(self._theme, finding, self)
        for way, why in ways.items():
            button = way_button(self._theme, way, dialog.accept)
            button.clicked.connect(partial(self.way_wanted.emit, way))
            allow(button, way, why)
            buttons.append(button)
        dialog.set_close_button(left=[copy_button(self._theme, "&Copy", lambda: _in_full(finding)), *buttons])
        dialog.open_once()

    def _choose(self) -> None:
        if self.table.chosen().isValid():
            row = self.table.source_row(self.table.chosen().row())
            finding = self._found[row]
            self._whole.setText(finding.message)
            self._sought.set_fields([Field(name, of, mono=True) for name, of in _sought(finding)])
            self.chosen_seq = seq = self._seqs[row]
            if seq is not None:
                self.chosen.emit(seq)


def _finding_dialog(theme: Theme, finding: Finding, parent: QWidget) -> Dialog:
    """All of a finding, to read and copy by keys, too."""
    tone, icon = (Tone.BAD, Icon.BAD) if finding.is_error else (Tone.WARN, Icon.WARNING_FILL)
    of = [] if finding.seq is None else [f"Entry {finding.seq:,}"]
    of += [] if finding.tenant is None else [f"of {finding.tenant}"]
    dialog = Dialog(theme, KINDS[finding.code], " ".join(of), icon=icon, tone=tone, parent=parent)
    dialog.setMinimumWidth(_WIDTH)
    text = text_box(theme, "The finding in full", _in_full(finding))
    text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
    dialog.add_widget(text, 1)
    return dialog


def _ways(report: Report) -> dict[Way, str]:
    """Those of all findings."""
    found = dict[Way, str]()
    for finding in report.findings:
        found |= {way: why for way, why in doors_of(report, finding).items() if way in _WAYS}
    return found


def _archived(report: Report) -> frozenset[Finding]:
    """The findings on entries that lie before all that the file has of their tenant."""
    starts = {tenant.tenant: tenant.first_seq for tenant in report.tenants}
    return frozenset(
        finding
        for finding in report.findings
        if finding.seq is not None
        and finding.tenant is not None
        and (start := starts.get(finding.tenant)) is not None
        and finding.seq < start
    )


def _row(finding: Finding, *, archived: bool) -> tuple[Cell, ...]:
    return (
        Cell(
            KINDS[finding.code],
            tip=str(finding.code),
            tone=Tone.BAD if finding.is_error else Tone.WARN,
            icon=Icon.BAD if finding.is_error else Icon.WARNING,
        ),
        Cell(
            "" if finding.seq is None else f"{finding.seq:,}",
            order=finding.seq or 0,
            icon=Icon.ARCHIVE if archived else None,
            tip="This entry is no longer in the database." if archived else None,
        ),
        Cell(finding.tenant or ""),
        Cell(finding.message, tip=_in_full(finding)),
    )


def _in_full(finding: Finding) -> str:
    """The sentence, which a narrow window shortens, the code, as reports have it, and what was looked for."""
    said = [("Code", str(finding.code)), *_sought(finding)]
    return "\n".join([finding.message, *(f"{name}: {of}" for name, of in said)])


def _sought(finding: Finding) -> list[tuple[str, str]]:
    if (
        finding.expected == finding.actual
    ):  # the number of an entry, which is another one: the sentence says it
        return []
    both = (("Expected", finding.expected), ("Found", finding.actual))
    return [(name, of) for name, of in both if of is not None]
