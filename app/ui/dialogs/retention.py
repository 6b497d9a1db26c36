"""What data retention would remove from this file, and the person's word for it."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from app.itemmodels.roles import Tone
from app.services.retention.run import RetentionPreview, TenantShare
from app.ui.dialogs.archive_choice import ArchiveChoice
from app.ui.dialogs.clock_doubt import ClockDoubtCard
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.formatting import counted, grouped, long_time, percent
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

LISTED = 50

_WHAT = (
    ("audit_chain", "Audit entries", "the oldest of each tenant's chain"),
    ("notifications", "Notifications", "those that are read"),
    ("planning_runs", "Planning runs", "those marked deleted"),
    ("planning_artifacts", "Artifacts", "all of those runs"),
)
_TABLES = (
    StaticColumn("What"),
    StaticColumn("Rows that go", number=True),
    StaticColumn("Which of them", dim=True),
)
_TENANTS = (
    StaticColumn("Tenant"),
    StaticColumn("Entries that go", number=True),
    StaticColumn("Of", number=True),
    StaticColumn("Share", number=True),
)
_EVERY_DAY = (
    "Retention removes audit entries, read notifications and planning runs marked deleted (with their "
    "artifacts) once they are that old."
)
_STAYS = (
    "In place of the audit entries a prune marker stays in each chain, so that the rest of it still "
    "verifies. The newest entry of a chain stays however old it is, and so do unread notifications and every "
    "run that is not marked deleted."
)
_NO_WAY_BACK = "Removing cannot be undone: what goes is gone from this file, and only a backup has it still."


class RetentionDialog(Dialog):
    """What goes, what stays, and three ways to say yes.

    `daily` says that retention already runs every day on this file. `cannot_write` is the sentence for a file
    that is read-only. Three ways to end it beside Cancel, each a signal before the dialog closes:
    `approved_daily()` (now, and then once a day), `run_once()` (now only) and `turned_off()` (no more).
    `archive_changed(Path or None)` comes at once, like a preference; `archive` is what it was. Where tenants
    would lose more than half of their entries, or the clock is in doubt, nothing can be pressed until the
    person has said that this is meant, or that it is right; `agreed_tenants()` are those for
    `retention.run(allow_majority=…)`, `trusts_clock()` is for its `trust_clock`.
    """

    approved_daily = Signal()
    run_once = Signal()
    turned_off = Signal()
    archive_changed = Signal(object)

    def __init__(
        self,
        theme: Theme,
        preview: RetentionPreview,
        *,
        file_name: str,
        days: int,
        utc: bool = False,
        daily: bool = False,
        cannot_write: str | None = None,
        archive: Path | None = None,
        parent: QWidget | None = None,
    ) -> None:
        due = preview.total > 0
        super().__init__(
            theme,
            "Data retention",
            _sentence(preview, file_name, days, utc),
            icon=Icon.WARNING_FILL if due else Icon.RETENTION,
            tone=Tone.BAD if due else Tone.NEUTRAL,
            parent=parent,
        )
        self.setMinimumWidth(660)
        self._majority = tuple(share for share in preview.tenants if share.is_majority)
        self._cannot_write = cannot_write
        self.agreement = QCheckBox(self)
        self.agreement.hide()
        self.doubt: ClockDoubtCard | None = None
        if due and preview.doubt is not None:
            said = preview.doubt.sentence(partial(long_time, utc=utc))
            self.doubt = ClockDoubtCard(theme, f"{said} Check the clock.", can_answer=not cannot_write)
            self.doubt.box.toggled.connect(self._update)
            self.add_widget(self.doubt)
        if due:
            self._add_what_goes(theme, preview)
        else:
            self.add_widget(Label(_EVERY_DAY, wrap=True))
        if preview.left:
            self._add_what_cannot(theme, preview)
        self.add_widget(Label(_STAYS, Look.DIM, wrap=True))
        self.add_widget(Label(_NO_WAY_BACK, Look.STRONG if due else Look.DIM, wrap=True))
        if cannot_write:
            self.add_widget(Label(cannot_write, Look.WARN, wrap=True))
        else:
            self.archive = ArchiveChoice(theme, archive)
            self.archive.changed.connect(self.archive_changed)
            self.add_widget(self.archive)
            if self._majority:
                self._add_agreement()
        self._add_buttons(theme, preview.total, daily)
        self._update()

    def agreed_tenants(self) -> tuple[str, ...]:
        """The tenants of which more than half may go, by the person's own word."""
        return tuple(share.tenant_id for share in self._majority) if self.agreement.isChecked() else ()

    def trusts_clock(self) -> bool:
        """Whether the person has said that the clock is right, in spite of the doubt."""
        return self.doubt is not None and self.doubt.box.isChecked()

    def _add_what_goes(self, theme: Theme, preview: RetentionPreview) -> None:
        rows: list[tuple[Cell, ...]] = [
            (Cell(what), Cell(grouped(count), count), Cell(which))
            for table, what, which in _WHAT
            if (count := preview.removed.get(table, 0)) or table == "audit_chain"
        ]
        self.tables = StaticTable(theme, "What goes", _TABLES, rows, wide=2)
        self.add_widget(self.tables)
        shares = sorted(preview.tenants, key=lambda share: (-share.losing, share.tenant_id))
        if shares:
            self.add_widget(Label("Audit entries by tenant", Look.SECTION))
            rows = [_share_row(share) for share in shares[:LISTED]]
            self.tenants = StaticTable(theme, "Audit entries by tenant", _TENANTS, rows, most=5)
            self.add_widget(self.tenants)
        rest = shares[LISTED:]
        if rest:
            gone = sum(share.losing for share in rest)
            self.add_widget(
                Label(
                    f"and {counted(gone, 'entry', 'entries')} of {grouped(len(rest))} more tenants", Look.DIM
                )
            )

    def _add_what_cannot(self, theme: Theme, preview: RetentionPreview) -> None:
        self.add_widget(Label("Old entries that stay", Look.SECTION))
        rows = [
            (Cell(left.tenant_id, tone=Tone.WARN, icon=Icon.WARNING), Cell(left.reason, tip=left.reason))
            for left in preview.left[:LISTED]
        ]
        columns = (StaticColumn("Tenant"), StaticColumn("Why"))
        self.left = StaticTable(theme, "Old entries that stay", columns, rows, most=3, wide=1)
        self.add_widget(self.left)
        if len(preview.left) > LISTED:
            self.add_widget(Label(f"and of {grouped(len(preview.left) - LISTED)} more tenants", Look.DIM))

    def _add_agreement(self) -> None:
        number = len(self._majority)
        whose = "one tenant loses" if number == 1 else f"{grouped(number)} tenants lose"
        # A check box breaks no lines, so its words are few.
        self.agreement.setText(f"I mean this, although {whose} more than half of the audit entries")
        self.agreement.toggled.connect(self._update)
        self.add_widget(self.agreement)
        self.agreement.show()

    def _add_buttons(self, theme: Theme, total: int, daily: bool) -> None:
        rows = counted(total, "row")
        self.cancel_button = push_button(theme, "Cancel" if total else "Close")
        self.once_button = push_button(theme, f"Remove {rows} once")
        self.daily_button = push_button(
            theme,
            f"Remove {rows}, then daily" if total else "Run daily from now on",
            kind=Kind.DANGER if total else Kind.PRIMARY,
        )
        self.off_button = push_button(theme, "Turn daily retention off")
        if daily and total:
            self.once_button.setText(f"Remove {rows} now")
            self.once_button.setAccessibleName(f"Remove {rows} now")
            self.once_button.setProperty("kind", Kind.DANGER.value)
        self.once_button.setVisible(total > 0)
        self.daily_button.setVisible(not daily)
        self.off_button.setVisible(daily)
        self.cancel_button.clicked.connect(self.reject)
        for button, signal in (
            (self.once_button, self.run_once),
            (self.daily_button, self.approved_daily),
            (self.off_button, self.turned_off),
        ):
            button.clicked.connect(signal)
            button.clicked.connect(self.accept)
        self.set_buttons([self.cancel_button, self.once_button, self.daily_button], left=[self.off_button])
        self.cancel_button.setDefault(True)  # Return confirms nothing that cannot be undone
        self.cancel_button.setFocus()

    def _update(self) -> None:
        reason = self._cannot_write or ""
        if not reason and self._majority and not self.agreement.isChecked():
            reason = "More than half of a tenant's entries would go; tick the box above first."
        if not reason and self.doubt is not None and not self.trusts_clock():
            reason = "The clock is in doubt; tick the box above if it is right."
        for button in (self.once_button, self.daily_button):
            button.setEnabled(not reason)
            button.setToolTip(reason)


def _sentence(preview: RetentionPreview, file_name: str, days: int, utc: bool) -> str:
    age = counted(days, "day")
    if not preview.total:
        return f"Nothing of {file_name} is due: nothing that retention removes is older than {age}."
    return (
        f"{counted(preview.total, 'row')} of {file_name} would be removed: what is older than {age}, that is "
        f"from before {long_time(preview.cutoff, utc)}."
    )


def _share_row(share: TenantShare) -> tuple[Cell, ...]:
    tone = Tone.WARN if share.is_majority else None
    return (
        Cell(share.tenant_id, icon=Icon.WARNING if share.is_majority else None, tone=tone),
        Cell(grouped(share.losing), share.losing),
        Cell(grouped(share.live), share.live),
        Cell(
            percent(share.losing, share.live),
            round(1_000_000 * share.losing / max(1, share.live)),
            tone=tone,
            tip="More than half of this tenant's entries" if share.is_majority else None,
        ),
    )
