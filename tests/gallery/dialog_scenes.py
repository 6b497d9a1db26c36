"""The frame's dialogs, as large as they open."""

import tempfile
from pathlib import Path
from typing import Any

from app.services.chain.pruning import LeftAlone
from app.services.chain.rules import Anchor, Code, Verdict
from app.services.chain.verify.report import Report, TenantReport
from app.services.files.describe import Common, OpenedFile
from app.services.files.find import Candidate
from app.services.files.restoring import Offer, Prepared, Standing
from app.services.live.connections import NamedConnection, Tokens
from app.services.records.tables import DECLARED
from app.services.retention.clock import ClockDoubt, Doubt
from app.services.retention.other_tables import Skipped
from app.services.retention.plan import Plan
from app.services.retention.prefixes import TenantShare
from app.settings import Settings
from app.ui.shell.connect_dialog import ConnectDialog, TokenDialog
from app.ui.shell.dialogs import (
    AboutDialog,
    ChooseDatabaseDialog,
    DatabaseInfoDialog,
    NotesDialog,
    PreferencesDialog,
    RestoreDialog,
    ShortcutsDialog,
)
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.workers.runner import Runner
from models.local.database import LocalDatabase
from models.local.migrations import MigrationStatus
from models.schema import Schema
from tests.conftest import NOW
from tests.fixtures.retaining import a_plan, share
from tests.fixtures.window import write
from tests.gallery.registry import Registry, Shot

STATE = Path("/home/ops/foundation/.wrangler/state/v3/d1/miniflare-D1DatabaseObject")
MIGRATIONS = (
    "0000_initial.sql",
    "0001_webhook_destinations.sql",
    "0002_notifications.sql",
    "0003_planning.sql",
)
TABLES = tuple(DECLARED)


def register(registry: Registry) -> None:
    """Add the dialogs to `registry`."""
    registry.scene("welcome")(welcome)
    for name, build in (
        ("about", about),
        ("choose-database", choose_database),
        ("shortcuts", shortcuts),
        ("preferences", preferences),
        ("preferences-wrong", preferences_wrong),
        ("retention", retention),
        ("retention-majority", retention_majority),
        ("retention-clock", retention_clock),
        ("retention-clock-jumped", retention_clock_jumped),
        ("retention-kept", retention_kept),
        ("retention-nothing", retention_nothing),
        ("retention-daily", retention_daily),
        ("retention-read-only", retention_read_only),
        ("exported", exported),
        ("restore", restore),
        ("restore-findings", restore_findings),
        ("connect", connect),
        ("connect-wrong", connect_wrong),
        ("token", token),
        ("database-info", database_info),
        ("database-info-differs", database_info_differs),
    ):
        registry.scene(f"dialog-{name}", None)(build)


def welcome(theme: Theme) -> Shot:
    folder = tempfile.TemporaryDirectory(prefix="foundation-")
    there = Path(folder.name) / "foundation-primary.sqlite"
    there.write_text("")
    window = MainWindow(theme, Settings(Path(folder.name)), lambda: NOW)
    page = window.welcome
    page.set_recent([there, there.with_name("old-copy.sqlite")])

    def close() -> None:
        window.close()
        folder.cleanup()

    return Shot(page, close=close)


def about(theme: Theme) -> AboutDialog:
    return AboutDialog(theme)


def shortcuts(theme: Theme) -> ShortcutsDialog:
    window = MainWindow(theme, Settings(), lambda: NOW)
    return ShortcutsDialog(theme, [("Everywhere", *pair) for pair in window.commands.shortcuts()])


def choose_database(theme: Theme) -> ChooseDatabaseDialog:
    return ChooseDatabaseDialog(
        theme,
        [
            Candidate(
                STATE / f"{'3f9a7c21' * 8}.sqlite", TABLES[:4], 184_220, 12, NOW - 340, "foundation-primary"
            ),
            Candidate(
                STATE / f"{'a0c44e19' * 8}.sqlite", TABLES[4:], 2_204, 3, NOW - 8 * 86_400, "planning-primary"
            ),
            Candidate(STATE.parents[2] / "d1" / "DB.sqlite", TABLES[:2], 12, 1, NOW - 90 * 86_400),
        ],
        NOW,
        utc=True,
    )


def preferences(theme: Theme) -> PreferencesDialog:
    settings = Settings()
    settings.utc_times, settings.verify_by_itself = True, False  # as other scenes, before or after, set them
    return PreferencesDialog(theme, settings)


def preferences_wrong(theme: Theme) -> Shot:
    dialog = preferences(theme)

    def spoil() -> None:
        write(dialog, "actor", "ops\u202e")
        dialog.submit()
        dialog.reject()

    return Shot(dialog, then=spoil)


def _plan(*shares: TenantShare, **options: Any) -> Plan:
    others: dict[str, Any] = {"notifications": 1_204, "planning_runs": 12, "planning_artifacts": 121}
    return a_plan(*shares, **(others if shares else {}), **options)


SHARES = tuple(
    share(f"{name}-{number:02}" if number else name, 6_100 // (number * 5 + place + 1), 18_000)
    for number in range(12)
    for place, name in enumerate(("acme-corp", "globex", "initech", "umbrella", "wayne-enterprises"))
)


def retention(theme: Theme) -> RetentionDialog:
    return RetentionDialog(theme, _plan(*SHARES), file_name="foundation-primary.sqlite", days=90, utc=True)


def retention_majority(theme: Theme) -> RetentionDialog:
    shares = (share("acme-corp", 9_020, 12_400), share("globex", 312, 4_000))
    left = (LeftAlone("initech", 61_004, "Entry 61,004 is dated in milliseconds instead of seconds."),)
    return RetentionDialog(
        theme, _plan(*shares, left=left), file_name="foundation-primary.sqlite", days=90, utc=True
    )


def retention_clock(theme: Theme) -> RetentionDialog:
    doubt = ClockDoubt(Doubt.AHEAD_OF_ENTRIES, NOW, NOW - 41 * 86_400 - 7_500)
    shares = (share("acme-corp", 132, 12_400), share("globex", 31, 4_000))
    return RetentionDialog(
        theme, _plan(*shares, doubt=doubt), file_name="foundation-primary.sqlite", days=90, utc=True
    )


def retention_clock_jumped(theme: Theme) -> RetentionDialog:
    """Both confirmations are asked for, and retention runs daily already."""
    shares = (share("acme-corp", 9_020, 12_400), share("globex", 31, 4_000))
    return RetentionDialog(
        theme,
        _plan(*shares, doubt=ClockDoubt(Doubt.JUMPED, NOW, jump=10 * 86_400)),
        file_name="foundation-primary.sqlite",
        days=90,
        utc=True,
        daily=True,
    )


def retention_kept(theme: Theme) -> RetentionDialog:
    """What is old and stays, and no checkpoint to be had."""
    reason = "Entry 41,377 of globex does not match its own hash: it was changed after it was written."
    kept = Skipped("planning_runs", 2, "2 runs cannot be removed: rows of planning_sources refer to them.")
    return RetentionDialog(
        theme,
        _plan(
            share("acme-corp", 132, 12_400),
            left=(LeftAlone("globex", 41_377, reason),),
            skipped=(kept,),
            quality_scores=64,
        ),
        file_name="foundation-primary.sqlite",
        days=90,
        utc=True,
        no_checkpoint="The keyring is locked; unlock it, then try again.",
    )


def retention_nothing(theme: Theme) -> RetentionDialog:
    return RetentionDialog(theme, _plan(), file_name="foundation-primary.sqlite", days=90)


def retention_daily(theme: Theme) -> RetentionDialog:
    shares = (share("acme-corp", 132, 12_400), share("globex", 31, 4_000))
    return RetentionDialog(
        theme,
        _plan(*shares),
        file_name="foundation-primary.sqlite",
        days=90,
        utc=True,
        daily=True,
        archive=Path("/srv/backups/foundation/audit archive"),
    )


def retention_read_only(theme: Theme) -> RetentionDialog:
    return RetentionDialog(
        theme,
        _plan(share("acme-corp", 132, 12_400)),
        file_name="foundation-primary.sqlite",
        days=90,
        utc=True,
        cannot_write="The file is open read-only, because workerd (pid 4711) has it open.",
    )


def _info(schema: Schema, migrations: MigrationStatus, reason: str | None = None) -> OpenedFile:
    counts = dict.fromkeys(schema.columns, 0) | {"users": 1_204, "audit_chain": 184_220, "notifications": 311}
    return OpenedFile(
        database=LocalDatabase(STATE / f"{'3f9a7c21' * 8}.sqlite"),
        can_be_forced=False,
        read_only_reason=reason,
        journal_mode="wal",
        size=358_612_992,
        rows={name: counts[name] for name in schema.columns},
        tenants=tuple(f"tenant-{number:02}" for number in range(12)),
        schema=schema,
        migrations=migrations,
    )


def restore(theme: Theme) -> Shot:
    return _restore(theme, Verdict.VERIFIED, known=Standing.EARLIER)


def exported(theme: Theme) -> NotesDialog:
    notes = (
        "left out: the virtual table planning_search, which D1 cannot export, and its shadow tables",
        "planning_artifacts has 2 rows of more than 2,000,000 bytes, which D1 does not take",
    )
    sentence = "Not all of it is there, or not as D1 takes it:"
    return NotesDialog(theme, "61,250 rows exported to foundation.sql", sentence, notes)


def restore_findings(theme: Theme) -> Shot:
    return _restore(theme, Verdict.TAMPERED, known=Standing.OTHER)


def _restore(theme: Theme, verdict: Verdict, known: Standing) -> Shot:
    now = dict(zip(TABLES, (1_204, 61_250, 12, 3_310, 48, 112), strict=False))
    then = {**now, "users": 1_251, "audit_chain": 60_988, "notifications": None}
    common = {table: Common(min(now[table], then[table] or 0), 0) for table in now} | {
        "users": Common(1_204, 12)
    }
    copy, source = Path("restore.sqlite"), Path("foundation-2026-11-16.sqlite")
    prepared = Prepared(source, copy, [], now, then, common=common)
    tenants = tuple(
        TenantReport(name, verdict, 9_000, 1, 61_000, "a" * 64, Anchor("genesis"), 9_000)
        for name in ("acme-corp", "globex", "initech", "umbrella", "system")
    )
    report = Report(
        verdict=verdict, entries=60_988, seconds=0.1, findings=(), tenants=tenants, counts={Code.LINK: 3}
    )
    return Shot(RestoreDialog(theme, Offer(prepared, report, known), STATE / "foundation.sqlite"))


def _connect(theme: Theme, connection: NamedConnection | None) -> Shot:
    runner = Runner()
    dialog = ConnectDialog(theme, runner, lambda: Tokens(None), connection)

    def spoil() -> None:
        if connection is None:
            for field, text in ((dialog.name, "prod"), (dialog.account, "0a1b2c")):
                field.setText(text)
            dialog.address.setText("http://api.example.org")
            dialog.test()

    return Shot(dialog, then=spoil, close=runner.stop)


def connect(theme: Theme) -> Shot:
    return _connect(theme, _connection())


def connect_wrong(theme: Theme) -> Shot:
    return _connect(theme, None)


def token(theme: Theme) -> TokenDialog:
    return TokenDialog(theme, _connection(), "The token of d1:prod is not accepted any more.")


def _connection() -> NamedConnection:
    return NamedConnection(
        "prod", "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "4f1c", "foundation-primary", production=True
    )


def database_info(theme: Theme) -> DatabaseInfoDialog:
    schema = Schema(columns=dict.fromkeys(TABLES, ()))
    return DatabaseInfoDialog(theme, _info(schema, MigrationStatus(MIGRATIONS, (), ())))


def database_info_differs(theme: Theme) -> DatabaseInfoDialog:
    schema = Schema(
        columns={"users": (), "audit_chain": (), "notifications": (), "sessions": ()},
        missing_tables=(
            "webhook_destinations",
            "planning_runs",
            "planning_artifacts",
            "planning_parked_ideas",
        ),
        missing_columns={"notifications": ("metadata",)},
        extra_tables=("sessions",),
        extra_columns={"users": ("phone", "locale")},
    )
    migrations = MigrationStatus(MIGRATIONS[:1], MIGRATIONS[1:], ("0004_sessions.sql",))
    return DatabaseInfoDialog(theme, _info(schema, migrations, "workerd (pid 4711) has it open"))
