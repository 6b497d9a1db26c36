"""What the program is, and what the open database is."""

import PySide6
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Tone
from app.services.components import Component, components
from app.services.files.describe import OpenedFile
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import copy_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import Cell, Field, FieldList, StaticColumn, StaticTable
from app.ui.widgets.formatting import byte_size, counted, grouped, shortened
from app.ui.widgets.labels import Label, Look

_COLUMNS = (StaticColumn("Component"), StaticColumn("Version", mono=True), StaticColumn("Licence", dim=True))


class AboutDialog(Dialog):
    """`AboutDialog(theme, version, parent=None)`; "Copy" puts all of it on the clipboard, for a report."""

    def __init__(self, theme: Theme, version: str, parent: QWidget | None = None) -> None:
        super().__init__(
            theme,
            "About Tenant Admin",
            f"Version {version}. MIT licence. Everything stays on this computer: the program sends nothing "
            "anywhere by itself.",
            icon=Icon.SHIELD_OK,
            tone=Tone.ACCENT,
            parent=parent,
        )
        self.setMinimumWidth(560)
        self._version = version
        self._parts = (
            *components(),
            Component("Qt", qVersion(), "LGPL 3"),
            Component("PySide6", PySide6.__version__, "LGPL 3"),
            Component("Phosphor Icons", "1.3", "MIT licence"),
        )
        rows = [(Cell(part.name), Cell(part.version or "—"), Cell(part.licence)) for part in self._parts]
        self.table = StaticTable(theme, "Components", _COLUMNS, rows, most=len(rows))
        self.add_widget(Label("Made with", Look.SECTION))
        self.add_widget(self.table)
        self.add_widget(
            Label(
                "Qt and PySide6 are used unchanged, as shared libraries that you may replace with your own.",
                Look.DIM,
                wrap=True,
            )
        )
        self.copy_button = copy_button(theme, "&Copy versions", self.text)
        self.set_close_button(left=[self.copy_button])

    def text(self) -> str:
        """A line for the program and each component."""
        lines = [f"{part.name} {part.version} ({part.licence})".replace("  ", " ") for part in self._parts]
        return "\n".join([f"Tenant Admin {self._version}", *lines])


_TABLES = (StaticColumn("Table"), StaticColumn("Rows", number=True), StaticColumn("Schema"))
_TENANTS_NAMED = 8


class DatabaseInfoDialog(Dialog):
    """`DatabaseInfoDialog(theme, info, parent=None)`, of a file that was `counted`.

    "Copy" puts all of it on the clipboard as text.
    """

    def __init__(self, theme: Theme, info: OpenedFile, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Database info", icon=Icon.DATABASE, parent=parent)
        self.setMinimumWidth(720)
        self.fields = FieldList(theme)
        self.fields.set_fields(_file_fields(info))
        self.add_widget(self.fields)
        self.add_widget(Label("Tables", Look.SECTION))
        self.table = StaticTable(theme, "Tables", _TABLES, _table_rows(info), most=9, wide=2)
        self.add_widget(self.table)
        self.add_widget(Label("Schema and migrations", Look.SECTION))
        self.verdicts = FieldList(theme)
        self.verdicts.set_fields([*_schema_fields(info), *_migration_fields(info)])
        self.add_widget(self.verdicts)
        # What `tenant-admin info` prints.
        self.copy_button = copy_button(theme, "&Copy as text", lambda: "\n".join(info.lines()))
        self.set_close_button(left=[self.copy_button])


def _file_fields(info: OpenedFile) -> list[Field]:
    access = f"Read-only, because {info.read_only_reason}" if info.read_only_reason else "Can be written"
    named = ", ".join(info.tenants[:_TENANTS_NAMED])
    more = len(info.tenants) - _TENANTS_NAMED
    tenants = counted(len(info.tenants), "tenant")
    if named:
        tenants = f"{tenants}: {named}{f' and {grouped(more)} more' if more > 0 else ''}"
    return [
        Field("File", shortened(info.place, 24, 24), mono=True, copy=str(info.path), tip=str(info.path)),
        Field("Folder", str(info.path.parent)),
        Field("Size", f"{byte_size(info.size)} ({grouped(info.size)} bytes)", copy=str(info.size)),
        Field("Journal mode", info.journal_mode.upper(), can_copy=False),
        Field("Access", access, tone=Tone.WARN if info.read_only_reason else Tone.NEUTRAL, can_copy=False),
        Field("Tenants", tenants, copy="\n".join(info.tenants)),
    ]


def _table_rows(info: OpenedFile) -> list[tuple[Cell, ...]]:
    """The file's tables as they are, then those that it lacks."""
    schema = info.schema
    rows = []
    for name, count in (info.rows or {}).items():
        lacks, extra = schema.missing_columns.get(name, ()), schema.extra_columns.get(name, ())
        words = [f"lacks {', '.join(lacks)}"] if lacks else []
        words += [f"also has {', '.join(extra)}"] if extra else []
        verdict = Cell("; ".join(words) or "As expected")
        if name in schema.extra_tables:
            verdict = Cell("Not the platform's", tone=Tone.NEUTRAL, icon=Icon.INFO)
        elif lacks:
            verdict = Cell(verdict.text, tone=Tone.WARN, icon=Icon.WARNING)
        elif extra:
            verdict = Cell(verdict.text, icon=Icon.INFO)
        else:
            verdict = Cell(verdict.text, tone=Tone.OK, icon=Icon.OK)
        rows.append(
            (
                Cell(name),
                Cell("cannot be read") if count is None else Cell(grouped(count), count),
                verdict,
            )
        )
    missing = [
        (Cell(name), Cell("—", -1), Cell("Missing", tone=Tone.WARN, icon=Icon.WARNING))
        for name in schema.missing_tables
    ]
    return [*rows, *missing]


def _schema_fields(info: OpenedFile) -> list[Field]:
    schema = info.schema
    if schema.matches and not schema.impostors:
        verdict = Field("Schema", "Every expected table and column is there", tone=Tone.OK, can_copy=False)
    else:
        parts = [counted(len(schema.missing_tables), "table")] if schema.missing_tables else []
        columns = sum(map(len, schema.missing_columns.values()))
        parts += [counted(columns, "column")] if columns else []
        words = f"Missing: {' and '.join(parts)}" if parts else "Complete, but see below"
        verdict = Field("Schema", words, tone=Tone.WARN, can_copy=False)
    fields = [verdict]
    if schema.impostors:
        words = f"{', '.join(schema.impostors)} stands in for a table or changes what a write means"
        fields.append(Field("Warning", words, tone=Tone.BAD))
    return fields


def _migration_fields(info: OpenedFile) -> list[Field]:
    migrations = info.migrations
    fields = [
        Field("Applied", ", ".join(migrations.applied) or "None recorded", copy="\n".join(migrations.applied))
    ]
    if migrations.pending:
        fields.append(Field("Pending", ", ".join(migrations.pending), tone=Tone.WARN))
    else:
        fields.append(Field("Pending", "None", can_copy=False))
    if migrations.unknown:
        words = f"{', '.join(migrations.unknown)} (in the file's ledger, but not known to this program)"
        fields.append(Field("Unknown", words, tone=Tone.WARN, copy="\n".join(migrations.unknown)))
    return fields
