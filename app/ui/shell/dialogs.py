"""The window's dialogs: what the program is, what a person prefers, what a database holds, which is meant,
and what a copy would put back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import PySide6
from PySide6.QtCore import QRect, Qt, qVersion
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from app import __version__, paths
from app.services import text
from app.services.chain.rules import CALLED, Verdict
from app.services.records.tables import DECLARED, title_of
from app.services.text import counted
from app.settings import RETENTION_DAYS, Settings
from app.ui.session.busy import Busy
from app.ui.theme import MODES, Icon, Mode, Theme, Tone
from app.ui.widgets.buttons import CheckBox, copy_button
from app.ui.widgets.data_table import ROW_HEIGHT
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.form_dialog import FormDialog, checked
from app.ui.widgets.formatting import NOTHING, absolute_time, grouped, relative_time, shortened
from app.ui.widgets.labels import ElidedLabel, Label, Look, SignedLine, section, text_box
from app.ui.widgets.panes import Field, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.status import DAY, DEFAULT_RETENTION_DAYS

# These dialogs may be wanted before a file is open, and with it what reads files.
if TYPE_CHECKING:
    from app.services.files.describe import Common
    from app.services.files.find import Candidate
    from app.services.files.restoring import Offer
    from app.services.opened import Opened
    from models.schema import Schema

_COMPONENTS = (
    StaticColumn("Component"),
    StaticColumn("Version", monospace=True),
    StaticColumn("Licence", dim=True),
)
_KEYS = (StaticColumn("Key"), StaticColumn("What it does"), StaticColumn("Where", dim=True))
_WITHIN = (
    "In a table, Enter opens the row, the menu key its menu, and Ctrl+C copies. Tab and "
    "Shift+Tab go from control to control; Down or Enter leads from the filter to the table."
)
_WITHIN_DIALOGS = (
    "Tab and Shift+Tab go from control to control; Page Up, Page Down, Home and End scroll a dialog that has "
    "more to read than it has room for."
)
_TABLES = (StaticColumn("Table"), StaticColumn("Rows", right=True), StaticColumn("Schema"))
_TENANTS_NAMED = 8
_CANDIDATES = (
    StaticColumn("What"),
    StaticColumn("Name"),
    StaticColumn("File", monospace=True, dim=True),
    StaticColumn("Tenants", right=True),
    StaticColumn("Rows", right=True),
    StaticColumn("Changed", dim=True),
)
_CHANGES = (
    StaticColumn("What"),
    StaticColumn("Now", right=True),
    StaticColumn("In the copy", right=True),
    StaticColumn("Change", right=True, dim=True),
)
_TONES = {"OTHER": Tone.WARN, "NO_ENTRY": Tone.WARN, "NO_ROW": Tone.WARN, "CONTRADICTED": Tone.BAD}
"""How a copy stands to what checkpoints say, by its name; else neutral."""
_HEAD, _TAIL = 8, 15
"""Characters of a long file name that are shown."""
_FOR_ALL = 700
"""Pixels of a screen from which all columns of the databases have room."""
_FEW = (0, 1, 4, 5)
"""Those that are shown where they have none: the line below the table says which file it is."""


_BESIDE_KEYS, _BESIDE_COMPONENTS, _ROOM_FOR_THREE = 300, 350, 2
"""Pixels that a dialog takes beside the rows of its table; and the fewest rows by that where three fit."""
_NOTES_WIDE, _NOTES_HIGH, _AROUND_NOTES = 508, 120, 18
"""Pixels of a line of notes; how high they are at the most before they scroll; and those around them."""


def _rows_beside(dialog: Dialog, height: int) -> int | None:
    """As many rows as the screen has room for, at least three; None, so that all of them are there, where no
    three have room: a table that scrolls within words that do leads nowhere.
    """
    rows = (dialog.screen().availableGeometry().height() - height) // ROW_HEIGHT
    return max(3, rows) if rows >= _ROOM_FOR_THREE else None


class AboutDialog(Dialog):
    """What the program is and is made of; "Copy" puts all of it on the clipboard, for a report."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        from app.services.components import Component, components  # noqa: PLC0415

        super().__init__(
            theme,
            "About Tenant Admin",
            f"Version {__version__}. MIT licence. The program talks to nothing but the database that you "
            "open, and a webhook that you send a test event to; it sends nothing anywhere by itself.",
            icon=Icon.SHIELD_OK,
            tone=Tone.ACCENT,
            parent=parent,
        )
        self.setMinimumWidth(560)
        self._parts = (
            *components(),
            Component("Qt", qVersion(), "LGPL 3"),
            Component("PySide6", PySide6.__version__, "LGPL 3"),
            Component("Phosphor Icons", "1.3", "MIT licence"),
        )
        rows = [(Cell(part.name), Cell(part.version or NOTHING), Cell(part.licence)) for part in self._parts]
        most = _rows_beside(self, _BESIDE_COMPONENTS)
        self.table = StaticTable(theme, "Components", _COMPONENTS, rows, most=most)
        self.add_widget(section("Made with"))
        self.add_widget(self.table)
        unchanged = (
            "Qt and PySide6 are used unchanged, as shared libraries that you may replace with your own."
        )
        self.add_widget(Label(unchanged, Look.DIM, wrap=True))
        self.copy_button = copy_button(theme, "&Copy versions", self.text)
        self.set_close_button(left=[self.copy_button])

    def text(self) -> str:
        lines = [f"{part.name} {part.version} ({part.licence})".replace("  ", " ") for part in self._parts]
        return "\n".join([f"Tenant Admin {__version__}", *lines])


class ShortcutsDialog(Dialog):
    """Every key and what it does; `keys` are (where, key, what), as the actions declare them, or those of
    the dialog that it stands before.
    """

    def __init__(
        self, theme: Theme, keys: Sequence[tuple[str, str, str]], parent: QWidget | None = None
    ) -> None:
        within = _WITHIN_DIALOGS if isinstance(parent, QDialog) else _WITHIN
        super().__init__(theme, "Keyboard shortcuts", within, icon=Icon.INFO, parent=parent)
        self.setMinimumWidth(640)
        rows = [(Cell(key), Cell(what), Cell(where)) for where, key, what in keys]
        most = _rows_beside(self, _BESIDE_KEYS)
        self.table = StaticTable(theme, "Keyboard shortcuts", _KEYS, rows, most=most, wide=1, wraps=2)
        self.add_widget(self.table)
        self.set_close_button()


_SWITCHES = (
    (
        "confirm_deletion",
        "Ask before deleting a single record",
        "Deleting can be undone. More than one is always asked about.",
    ),
    (
        "verify_by_itself",
        "Verify files when they are opened, and daily",
        "In the background. Large files are verified in full once a day, otherwise from the last checkpoint "
        "on. The status bar says what was found.",
    ),
    (
        "tell_of_notifications",
        "Tell on the desktop of new unread notifications",
        "Titles and tenants, while a file is open and its window is not in front.",
    ),
    (
        "webhooks_here",
        "Send test events to webhooks on this computer, too",
        "For a receiver of your own, at http://localhost; else refused.",
    ),
)
"""Settings that are on or off, with the words of each and what more there is to know."""


class PreferencesDialog(FormDialog):
    """Each field is called as its setting. A theme that is chosen is shown at once, and taken back when the
    dialog is left without saving. The rest is written when it is saved; `accepted` says so.
    """

    def __init__(self, theme: Theme, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Preferences", action="Save", parent=parent)
        settings.look_again()
        self.setMinimumWidth(520)
        self._settings = settings
        mode_before = theme.mode
        modes = QComboBox()
        for mode, words in MODES:
            modes.addItem(words, mode.value)
        modes.setCurrentIndex(modes.findData(theme.mode.value))
        times = QComboBox()
        times.addItem("Local time", False)
        times.addItem("UTC", True)
        times.setCurrentIndex(int(settings.utc_times))
        system_name = paths.os_user()
        actor = QLineEdit("" if settings.actor == system_name else settings.actor)
        actor.setPlaceholderText(system_name)
        days = days_box(settings.retention_days)
        self.add_field("theme", "Theme", modes)
        self.add_field("utc_times", "Times are shown in", times, beside=True)
        self.add_field(
            "actor",
            "Your name in the audit chain",
            actor,
            checked(lambda name: text.single_line("actor", "Your name", name, longest=200, required=False)),
            "What you do is recorded under this name. Leave it empty to use your login name.",
        )
        self.add_field(
            "retention_days",
            "Data is kept for",
            days,
            hint="The platform's own daily cleanup takes its period from DATA_RETENTION_SECONDS: "
            f"{grouped(DEFAULT_RETENTION_DAYS * DAY)} ({DEFAULT_RETENTION_DAYS} days) by default. "
            "Choose the same here.",
        )
        for name, words, hint in _SWITCHES:
            switch = CheckBox(words)
            switch.setChecked(getattr(settings, name))
            self.add_field(name, words, switch, hint=hint)
        self.add_field(
            "deliveries_days",
            "Sent test events are kept for",
            days_box(settings.deliveries_days),
            hint="In the delivery log, which is in your own folder and not in the database.",
        )
        self.set_clean()
        modes.currentIndexChanged.connect(lambda _: theme.set_mode(Mode(modes.currentData())))
        self.submitted.connect(self._save)
        modes.setFocus()
        self.rejected.connect(lambda: theme.set_mode(mode_before))

    def say_nothing_tells(self) -> None:
        """This desktop shows no messages: what is on already can still be taken back."""
        name = "tell_of_notifications"
        self.editor(name).setEnabled(self.values()[name] is True)
        self.set_hint(
            "Nothing here shows messages: this desktop has neither a service for them nor a tray.", name
        )

    def _save(self) -> None:
        settings, values = self._settings, self.values()
        settings.look_again()
        for key in self.edited():  # what another window has set meanwhile stays
            setattr(settings, key, values[key])
        if settings.save():
            self.accept()
        else:
            self.set_problem(
                f"The preferences hold until the program ends, but {settings.path} cannot be written; make "
                "it writable, or choose another folder with TENANT_ADMIN_HOME."
            )


def days_box(days: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(RETENTION_DAYS[0], RETENTION_DAYS[-1])
    box.setGroupSeparatorShown(True)
    box.setValue(days)

    def say(days: int) -> None:
        box.setSuffix(" day" if days == 1 else " days")

    box.valueChanged.connect(say)
    say(days)
    return box


class DatabaseInfoDialog(Dialog):
    """What a file is and holds, its rows counted; "Copy" puts all of it on the clipboard as text."""

    def __init__(
        self, theme: Theme, info: Opened, parent: QWidget | None = None, *, copy_of: Path | None = None
    ) -> None:
        super().__init__(theme, "Database info", icon=Icon.DATABASE, parent=parent)
        self.setMinimumWidth(720)
        self.fields = FieldList(theme)
        origin = [] if copy_of is None else [Field("A copy of", str(copy_of), tone=Tone.WARN)]
        self.fields.set_fields([*origin, *_file_fields(info)])
        self.add_widget(self.fields)
        self.add_widget(section("Tables"))
        self.table = StaticTable(theme, "Tables", _TABLES, _table_rows(info), most=9, wide=2)
        self.add_widget(self.table)
        self.add_widget(section("Schema and migrations"))
        self.verdicts = FieldList(theme)
        self.verdicts.set_fields([*_schema_fields(info), *_migration_fields(info)])
        self.add_widget(self.verdicts)
        # What `tenant-admin info` prints.
        self.copy_button = copy_button(theme, "&Copy as text", lambda: "\n".join(info.lines()))
        self.set_close_button(left=[self.copy_button])


def _file_fields(info: Opened) -> list[Field]:
    access = f"Read-only, because {info.read_only_reason}" if info.read_only_reason else "Can be written"
    if info.unlocked_by and not info.read_only:
        access += ", once it is unlocked"
    tenants = counted(len(info.tenants), "tenant")
    if named := text.some_of(info.tenants, _TENANTS_NAMED):
        tenants = f"{tenants}: {named}"
    (name, of, whole), *details = info.details
    return [
        Field(name, shortened(of, 24, 24), mono=True, copy=whole, tip=whole),
        *(Field(name, of, copy=whole, can_copy=bool(whole)) for name, of, whole in details),
        Field("Access", access, tone=Tone.WARN if info.read_only_reason else Tone.NEUTRAL, can_copy=False),
        Field("Tenants", tenants, copy="\n".join(info.tenants)),
    ]


def _table_rows(info: Opened) -> list[tuple[Cell, ...]]:
    """The file's tables as they are, then those that it lacks."""
    rows = [
        (
            Cell(name),
            Cell(info.uncounted) if count is None else Cell(grouped(count), count),
            _table_verdict(info.schema, name),
        )
        for name, count in (info.rows or {}).items()
    ]
    missing = Cell("Missing", tone=Tone.WARN, icon=Icon.WARNING)
    return [*rows, *((Cell(name), Cell(NOTHING, -1), missing) for name in info.schema.missing_tables)]


def _table_verdict(schema: Schema, name: str) -> Cell:
    lacks, extra = schema.missing_columns.get(name, ()), schema.extra_columns.get(name, ())
    if name in schema.extra_tables:
        return Cell("Not known here", tone=Tone.NEUTRAL, icon=Icon.INFO)
    named = {"lacks": ", ".join(lacks), "also has": ", ".join(extra)}
    words = "; ".join(f"{what} {columns}" for what, columns in named.items() if columns)
    words = words[:1].upper() + words[1:]
    if lacks:
        return Cell(words, tone=Tone.WARN, icon=Icon.WARNING)
    return Cell(words, icon=Icon.INFO) if extra else Cell("As expected", tone=Tone.OK, icon=Icon.OK)


def _schema_fields(info: Opened) -> list[Field]:
    schema, is_sound = info.schema, info.schema.matches and not info.schema.impostors
    missing = {"table": len(schema.missing_tables), "column": sum(map(len, schema.missing_columns.values()))}
    words = "Every expected table and column is there" if is_sound else "Complete, but see below"
    if not schema.matches:
        lacks = [counted(number, what) for what, number in missing.items() if number]
        words = f"Missing: {' and '.join(lacks)}"
    fields = [Field("Schema", words, tone=Tone.OK if is_sound else Tone.WARN, can_copy=False)]
    if schema.impostors:
        words = f"{', '.join(schema.impostors)} stands in for a table or changes what a write means"
        fields.append(Field("Warning", words, tone=Tone.BAD))
    return fields


def _migration_fields(info: Opened) -> list[Field]:
    if info.migrations is None:
        return []
    applied, pending, unknown = info.migrations.applied, info.pending, info.migrations.unknown
    tone = Tone.WARN if pending else Tone.NEUTRAL
    fields = [
        Field("Applied", ", ".join(applied) or "None recorded", copy="\n".join(applied)),
        Field("Pending", ", ".join(pending) or "None", tone=tone, can_copy=bool(pending)),
    ]
    if info.migrations.refused is not None:
        fields.append(Field("Cannot apply", info.migrations.refused, tone=Tone.WARN))
    if unknown:
        words = f"{', '.join(unknown)} (in the file's ledger, but not known to this program)"
        fields.append(Field("Unknown", words, tone=Tone.WARN, copy="\n".join(unknown)))
    return fields


class ChooseDatabaseDialog(Dialog):
    """Accepted is the person's choice of one of the candidates.

    Wrangler's file names tell a person nothing, so each file comes with which of the platform's databases it
    is, what wrangler calls it and what it holds; the first is selected. `besides` is said of other files.
    """

    def __init__(
        self,
        theme: Theme,
        candidates: Sequence[Candidate],
        now: int,
        *,
        besides: str = "",
        utc: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        folder = Path(os.path.commonpath([candidate.path.parent for candidate in candidates]))
        are = "is" if len(candidates) == 1 else "are"
        there = f"There {are} {counted(len(candidates), 'database')} of the platform."
        super().__init__(
            theme,
            "Which database?",
            f"{there} {besides} Choose the one to open." if besides else f"{there} Choose the one to open.",
            parent=parent,
        )
        self.setMinimumWidth(840)
        self._candidates = tuple(candidates)
        rows = [_candidate_row(candidate, folder, now, utc) for candidate in candidates]
        shown: Sequence[int] = range(len(_CANDIDATES))
        if self.screen().availableSize().width() < _FOR_ALL:  # else it would scroll sideways
            shown = _FEW
        columns = [_CANDIDATES[place] for place in shown]
        cells = [[row[place] for place in shown] for row in rows]
        self.table = StaticTable(theme, "Databases", columns, cells, wide=shown[len(shown) // 2 - 1])
        self.path = ElidedLabel(look=Look.DIM, mode=Qt.TextElideMode.ElideMiddle)
        self.add_widget(self.table)
        self.add_widget(self.path)
        self.open_button = self.set_answer("Open", self.accept)
        self.table.opened.connect(self.accept)
        self.table.selection_changed.connect(self._show_path)
        self.table.select_row(0)
        self.table.setFocus()

    def candidate(self) -> Candidate:
        """The one selected, without which nothing can be opened."""
        return self._candidates[self.table.source_row(self.table.selected_rows()[0])]

    def _show_path(self) -> None:
        is_chosen = bool(self.table.selected_rows())
        self.path.setText(str(self.candidate().path) if is_chosen else "")
        self.open_button.setEnabled(is_chosen)


def _candidate_row(candidate: Candidate, folder: Path, now: int, utc: bool) -> tuple[Cell, ...]:
    path = str(candidate.path)
    older = "An older version of wrangler kept it here; newer ones look elsewhere."
    return (
        Cell(
            f"{candidate.holds}{', older layout' if candidate.is_older else ''}",
            tip=f"{', '.join(candidate.tables)}{f'. {older}' if candidate.is_older else ''}",
        ),
        Cell(candidate.name or NOTHING),
        Cell(shortened(str(candidate.path.relative_to(folder)), _HEAD, _TAIL), tip=path, whole=path),
        Cell(grouped(candidate.tenants), candidate.tenants),
        Cell(grouped(candidate.rows), candidate.rows),
        Cell(
            relative_time(candidate.modified_at, now),
            candidate.modified_at,
            tip=absolute_time(candidate.modified_at, utc),
        ),
    )


class NotesDialog(Dialog):
    """What is to be known of a file that was written or read: `notes`, to read and copy; with `doubt` where a
    person has to look for themselves.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str,
        notes: Sequence[str],
        parent: QWidget | None = None,
        *,
        doubt: bool = False,
    ) -> None:
        icon, tone = (Icon.WARNING_FILL, Tone.WARN) if doubt else (Icon.INFO_FILL, Tone.ACCENT)
        super().__init__(theme, title, sentence, icon=icon, tone=tone, parent=parent)
        self.setMinimumWidth(620)
        self.text = text_box(theme, "What is to be known", "\n\n".join(notes))  # sentences, each by itself
        self.text.setFont(self.font())
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        room = QRect(0, 0, _NOTES_WIDE, 1 << 16)
        words = self.text.fontMetrics().boundingRect(room, Qt.TextFlag.TextWordWrap, self.text.toPlainText())
        if words.height() < _NOTES_HIGH:  # no higher than they are: else they are followed by a hole
            self.text.setFixedHeight(words.height() + _AROUND_NOTES)
        self.text.setMinimumHeight(min(words.height() + _AROUND_NOTES, _NOTES_HIGH))
        self.add_widget(self.text, 1)
        self.copy_button = copy_button(theme, "&Copy", self.text.toPlainText)
        self.set_close_button(left=[self.copy_button])


class EndDialog(ConfirmDialog):
    """Whether to end what is under way by `action`; there is nothing to ask any more once none of it is."""

    def __init__(self, theme: Theme, action: str, busy: Busy, parent: QWidget) -> None:
        super().__init__(
            theme,
            f"{action} before this is done?",
            "What is under way ends with that. Nothing of a file that is not done is left.",
            action=action,
            cancel="Go on",
            items=busy.unfinished,
            listed="Under way",
            parent=parent,
        )
        self._busy = busy
        busy.ended.connect(self._follow)

    def _follow(self) -> None:
        self.list.clear()
        self.list.addItems(self._busy.unfinished)
        if not self._busy.unfinished:
            self.reject()


class RestoreDialog(ConfirmDialog):
    """Accepted is the person's agreement to restore `path`. Where the copy's own chain does not hold, or it
    is or may be of another database, nothing can be pressed before the person has said that
    it is meant.
    """

    def __init__(
        self, theme: Theme, offer: Offer, path: Path, parent: QWidget | None = None, *, ending: str = ""
    ) -> None:
        prepared = offer.prepared
        super().__init__(
            theme,
            f"Restore {path.name}?",
            f"What it holds is replaced by what {prepared.source.name} holds. The file as it is now is kept "
            "beside it, in this folder, and can be restored in the same way:\n"
            f"{path.parent}\n{ending}".strip(),
            action="Restore",
            parent=parent,
        )
        self.setMinimumWidth(560)
        tables = [table for table in DECLARED if table in prepared.after or prepared.before.get(table)]
        tables = list(dict.fromkeys((*tables, *prepared.after, *prepared.before)))
        before, after = prepared.before, prepared.after
        is_read = not before or any(number is not None for number in before.values())
        lacking = 0 if is_read else None  # rows of a table that is not there, or that nobody can tell of
        rows = [
            _changed_row(
                table,
                before.get(table, lacking),
                after.get(table, 0),
                prepared.common.get(table),
                _GOES if table not in after else _COMES if table not in before and is_read else "",
            )
            for table in tables
        ]
        self.tables = StaticTable(theme, "What changes", _CHANGES, rows, most=9)
        chain = SignedLine(theme, *_of_chain(offer))
        self.chain = chain.words
        self.add_widget(chain)
        if prepared.caution is not None:
            self.add_widget(SignedLine(theme, prepared.caution, Tone.WARN))
        if offer.known is not None:
            tone = _TONES.get(offer.known.name, Tone.NEUTRAL)
            self.add_widget(SignedLine(theme, offer.standing or offer.known, tone))
        for warning in (*prepared.warnings, *(f"{prepared.source.name}: {one}" for one in prepared.said)):
            self.add_widget(SignedLine(theme, warning, Tone.WARN))
        self.add_widget(self.tables)
        self.agreement = CheckBox(f"I mean this, although {', and '.join(_doubts(offer))}")
        if offer.needs_agreement or not prepared.recorded:
            self.agreement.toggled.connect(self._agree)
            self.add_condition(self.agreement)
            self._agree(False)

    def _agree(self, ready: bool) -> None:
        self.confirm_button.setEnabled(ready)
        self.confirm_button.setToolTip("" if ready else "Tick the box above first.")


def _doubts(offer: Offer) -> list[str]:
    doubts: list[str] = []
    if not offer.holds:
        doubts.append(f"its audit chain {_doubt(offer)}")
    elif offer.known is not None and offer.known.is_other:
        doubts.append(f"it {'is' if offer.known.name == 'OTHER' else 'may be'} of another database")
    if offer.signed_since:
        doubts.append("more was signed of the file since")
    if offer.prepared.lacking:
        doubts.append("it lacks these tables")
    if offer.prepared.narrower:
        doubts.append("it lacks these columns")
    if offer.prepared.erased:
        doubts.append(f"it brings back {counted(len(offer.prepared.erased), 'erased tenant')}")
    if not offer.prepared.recorded:
        doubts.append("it is recorded nowhere")
    return doubts


def _doubt(offer: Offer) -> str:
    """Of a chain that does not hold."""
    if offer.report.later is not None:
        return "ends where no checkpoint confirms it"
    return "contradicts checkpoints" if offer.alone else f"is {CALLED[offer.report.verdict]}"


def _of_chain(offer: Offer) -> tuple[str, Tone]:
    if offer.prepared.unfit is not None:
        chain = f"The audit chain of the copy {offer.prepared.unfit}, and that of the file is no better"
        return f"{chain}: the restore is recorded nowhere.", Tone.WARN
    if not offer.prepared.recorded:
        return "Neither has an audit chain, so the restore is recorded nowhere.", Tone.WARN
    report = offer.report
    held = f"{counted(report.entries, 'entry', 'entries')} of {counted(len(report.tenants), 'tenant')}"
    if not offer.holds:
        found = report.tally or CALLED[report.verdict]
        chain = "The audit chain of the copy"
        if report.later is not None:
            between = f"between checkpoint {report.earlier} and checkpoint {report.later}"
            return f"{chain} ends {between}, and no checkpoint confirms its last entries: {held}.", Tone.BAD
        if offer.alone:
            return f"{chain} is consistent, but {_doubt(offer)}: {found} in {held}.", Tone.BAD
        return f"{chain} {_doubt(offer)}: {found} in {held}.", Tone.BAD
    if report.verdict is not Verdict.UNPROVEN_START:
        return f"The audit chain of the copy is {CALLED[report.verdict]}: {held}.", Tone.OK
    unproven = [one.tenant for one in report.tenants if one.verdict is Verdict.UNPROVEN_START]
    whose = text.some_of(unproven, _TENANTS_NAMED, shown=text.tenant_name)
    return (
        f"The start of the copy's audit chain is unproven: nothing in the copy proves what came before the "
        f"first entry of {whose}. From there on it holds: {held}.",
        Tone.WARN,
    )


_NOT_COMPARED = "not compared"
_COMES = "the table comes"
_GOES = "the table goes"


def _changed_row(
    table: str, before: int | None, after: int | None, common: Common | None, only: str
) -> tuple[Cell, ...]:
    """`common` is None where nobody knows which rows are in both; `only` says it of a table that one of the
    two lacks, with or without rows.
    """
    name = Cell(title_of(table))
    if before is None or after is None:
        return name, _count(before), _count(after), Cell(_NOT_COMPARED)
    if common is None and before and after:
        more = after - before
        said = f"{'+' if more > 0 else '−'}{grouped(abs(more))}, {_NOT_COMPARED}" if more else _NOT_COMPARED
        return name, _count(before), _count(after), Cell(said, more, Tone.WARN)
    shared, unlike = (min(before, after), 0) if common is None else common
    come, gone = after - shared, before - shared
    said = ", ".join(
        filter(
            None,
            (
                f"+{grouped(come)}" if come else "",
                f"−{grouped(gone)}" if gone else "",
                f"{grouped(unlike)} {'differs' if unlike == 1 else 'differ'}" if unlike else "",
                only,
            ),
        )
    )
    tone = Tone.WARN if gone or only == _GOES else None
    return name, _count(before), _count(after), Cell(said or "the same", come - gone, tone)


def _count(number: int | None) -> Cell:
    return Cell("not readable", -1, Tone.WARN) if number is None else Cell(grouped(number), number)
