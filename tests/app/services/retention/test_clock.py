"""Retention and a clock that has jumped: what refuses, what confirms the clock, and the confirmation.

On a file alone: the clock is judged from a few times, which the other tests of retention read on both.
"""

import json
from typing import Any

import apsw
import pytest

from app.services.retention.clock import (
    AHEAD_TOLERANCE,
    ClockDoubt,
    ClockFacts,
    ClockProblem,
    ClockWatch,
    Doubt,
    SteadyClock,
    steady_clock,
)
from app.services.retention.removal import RetentionResult
from app.services.text import utc_time
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures import chains, retaining
from tests.fixtures.gateway import append_by_tenant
from tests.fixtures.retaining import planned

HOUR = 3_600
DAY = 86_400
OLD = NOW - 91 * DAY


@pytest.fixture
def sql(sql: apsw.Connection) -> apsw.Connection:
    """A file in use until NOW, of which four rows are old then, and a few more a week later."""
    chains.append(
        sql, "acme", [OLD] * 3 + [NOW - 88 * DAY] * 2 + [NOW - day * DAY for day in range(9, 0, -1)]
    )
    chains.append(sql, "globex", [NOW - 2 * HOUR, NOW - HOUR])
    sql.execute(
        "INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES ('n', 'acme', 'x', 1, ?)",
        (OLD,),
    )
    return sql


def retain(database: LocalDatabase, now: int = NOW, **options: Any) -> RetentionResult:
    """Without any confirmation, unless it is given."""
    return retaining.retain(database, now=now, **{"majority": False, "clock": False, **options})


def refused(database: LocalDatabase, now: int, **options: Any) -> ClockDoubt:
    """The doubt of a run that must not change a thing."""
    every_byte = "SELECT seq, hex(payload), hex(hash), created_at FROM audit_chain"
    before = list(database.connection().execute(every_byte))
    with pytest.raises(ClockProblem) as problem:
        retain(database, now, **options)
    assert list(database.connection().execute(every_byte)) == before
    assert database.connection().execute("SELECT count(*) FROM notifications").get == 1
    seen = planned(database, now=now, **options).doubt
    assert seen == problem.value.doubt
    return problem.value.doubt


def test_a_clock_that_the_newest_entries_confirm_needs_no_confirmation(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    assert planned(database, now=NOW).doubt is None
    result = retain(database)
    assert (result.total, result.doubt) == (4, None)
    assert "clockDoubt" not in result.to_json()


def test_up_to_a_week_ahead_is_an_idle_file(database: LocalDatabase, sql: apsw.Connection) -> None:
    newest_but_one = NOW - 2 * HOUR
    assert refused(database, newest_but_one + AHEAD_TOLERANCE + HOUR + 1).reason is Doubt.AHEAD_OF_ENTRIES
    assert retain(database, newest_but_one + AHEAD_TOLERANCE).total > 0


def test_a_clock_that_jumped_forward_is_refused(database: LocalDatabase, sql: apsw.Connection) -> None:
    assert planned(database, now=NOW + 10 * DAY).total == 6, "more than is old"
    with pytest.raises(ClockProblem) as problem:
        retain(database, NOW + 10 * DAY)
    assert str(problem.value) == (
        "This computer's clock says 2026-11-28 11:06:40 UTC; the newest entry of the database is from "
        "2026-11-18 10:06:40 UTC. Nothing was removed. Check the clock, then confirm that it is right."
    )
    assert refused(database, NOW + 10 * DAY) == ClockDoubt(Doubt.AHEAD_OF_ENTRIES, NOW + 10 * DAY, NOW - HOUR)


def test_a_confirmation_overrules_and_is_on_record(database: LocalDatabase, sql: apsw.Connection) -> None:
    result = retain(database, NOW + 10 * DAY, clock=True)
    assert result.total == 6
    assert result.doubt is not None and result.doubt.reason is Doubt.AHEAD_OF_ENTRIES
    told = "SELECT payload FROM audit_chain WHERE event_type = 'retention_completed'"
    report = json.loads(sql.execute(told).get)
    assert report["trustedClock"] is True


@pytest.mark.slow
def test_a_run_of_yesterday_confirms_today_in_an_idle_file(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    retain(database, NOW + 10 * DAY, clock=True, majority=True)
    for day in range(11, 96, 7):
        result = retain(database, NOW + day * DAY, facts=ClockFacts(NOW + (day - 6) * DAY), majority=True)
        assert result.doubt is None
    assert (
        sql.execute(
            "SELECT count(*) FROM audit_chain WHERE tenant_id = 'acme' AND created_at < ?", (NOW,)
        ).get
        == 1
    )


def test_the_report_alone_confirms_the_days_after_it(database: LocalDatabase, sql: apsw.Connection) -> None:
    retain(database, NOW + 10 * DAY, clock=True)
    assert planned(database, now=NOW + 17 * DAY).doubt is None
    late = planned(database, now=NOW + 17 * DAY + 1).doubt
    assert late is not None
    assert (late.reason, late.known) == (Doubt.AHEAD_OF_RUN, NOW + 10 * DAY)


def test_a_plan_counts_and_says_it(database: LocalDatabase, sql: apsw.Connection) -> None:
    result = planned(database, now=NOW + 10 * DAY)
    assert result.total == 6
    assert result.to_json() == {
        "cutoff": NOW - 80 * DAY,
        "dryRun": True,
        "removed": {"audit_chain": 5, "notifications": 1, "planning_runs": 0, "planning_artifacts": 0},
        "clockDoubt": "This computer's clock says 2026-11-28 11:06:40 UTC; the newest entry of the database "
        "is from 2026-11-18 10:06:40 UTC.",
    }


def test_nothing_to_remove_needs_no_confirmation_and_confirms_nothing(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    before = list(sql.execute("SELECT * FROM audit_chain"))
    for now in (NOW + 30 * DAY, NOW - 30 * DAY):
        result = retain(database, now, days=200)
        assert (result.total, result.cancelled) == (0, False)
        assert result.doubt is not None
    assert list(sql.execute("SELECT * FROM audit_chain")) == before


def test_a_chain_left_alone_is_not_reported_by_a_clock_in_doubt(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    sql.execute("UPDATE audit_chain SET created_at = 'long ago' WHERE seq = 1")
    sql.execute("DELETE FROM notifications")
    before = list(sql.execute("SELECT * FROM audit_chain"))
    result = retain(database, NOW + 60 * DAY)
    assert result.left and result.total == 0
    assert list(sql.execute("SELECT * FROM audit_chain")) == before, "or it would confirm the clock tomorrow"


# a clock behind


@pytest.mark.slow
def test_a_clock_that_fell_behind_the_entries_is_refused(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    assert planned(database, now=NOW - HOUR - DAY).doubt is None, "a day is tolerated"
    now = NOW - HOUR - DAY - 1
    sql.execute("UPDATE notifications SET created_at = 1")
    assert refused(database, now) == ClockDoubt(Doubt.BEHIND_ENTRY, now, NOW - HOUR)
    with pytest.raises(
        ClockProblem, match=r"but an entry of the database is already from 2026-11-18 10:06:40 UTC\."
    ):
        retain(database, now)
    assert retain(database, now, clock=True).total > 0


@pytest.mark.slow
def test_a_clock_that_fell_behind_the_last_run_is_refused(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    facts = ClockFacts(last_run=NOW + DAY + 1)
    assert refused(database, NOW, facts=facts) == ClockDoubt(Doubt.BEHIND_RUN, NOW, NOW + DAY + 1)
    retain(database, NOW + 6 * DAY)
    sql.execute("INSERT INTO notifications SELECT * FROM (VALUES ('n', 'acme', 'x', '', '', NULL, 1, 5))")
    assert refused(database, NOW + 2 * DAY).reason is Doubt.BEHIND_RUN, "by its report in the chain"


# rows with a wrong time


def test_one_entry_dated_ahead_does_not_confirm_a_clock_that_is_ahead(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    chains.append(sql, "globex", [NOW + 30 * DAY])
    doubt = refused(database, NOW + 30 * DAY)
    assert (doubt.reason, doubt.known) == (Doubt.LONE_ENTRY, NOW + 30 * DAY)


def test_in_a_file_of_few_entries_one_is_enough(database: LocalDatabase, sql: apsw.Connection) -> None:
    sql.execute("DELETE FROM audit_chain; DELETE FROM sqlite_sequence")
    chains.append(sql, "acme", [NOW - 100 * DAY, NOW - DAY])
    assert retain(database).removed["audit_chain"] == 1


@pytest.mark.slow
def test_one_entry_dated_ahead_is_asked_about_once(database: LocalDatabase, sql: apsw.Connection) -> None:
    """Even where its chain is pruned, whose marker then is dated as far ahead."""
    chains.append(sql, "acme", [NOW + 1_000 * DAY])
    assert refused(database, NOW).reason is Doubt.BEHIND_ENTRY
    assert retain(database, NOW, clock=True).total > 0
    for day in range(1, 12):
        now = NOW + day * DAY
        chains.append(sql, "globex", [now - 60, now - 30])
        assert retain(database, now, majority=True).doubt is None


def test_one_entry_dated_back_changes_nothing(database: LocalDatabase, sql: apsw.Connection) -> None:
    chains.append(sql, "globex", [5])
    assert retain(database).doubt is None


def test_a_report_of_a_tenant_among_others_neither_confirms_nor_doubts(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    chains.append(sql, "globex", [NOW + 20 * DAY], kind="retention_completed")
    ahead = planned(database, now=NOW + 25 * DAY).doubt
    assert ahead is not None and ahead.reason is Doubt.LONE_ENTRY
    behind = planned(database).doubt
    assert behind is not None and behind.reason is Doubt.BEHIND_ENTRY, "as any entry"


def test_a_report_in_the_gateway_s_only_chain_counts_where_this_program_made_it(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    sql.execute("DELETE FROM audit_chain; DELETE FROM sqlite_sequence")
    append_by_tenant(sql, "acme", *[NOW - DAY] * 12)
    append_by_tenant(sql, "acme", NOW + 20 * DAY, kind="retention_completed")
    forged = planned(database, now=NOW + 25 * DAY).doubt
    assert forged is not None and forged.reason is Doubt.LONE_ENTRY
    chains.append(sql, "acme", [NOW + 20 * DAY], kind="retention_completed")
    assert planned(database, now=NOW + 25 * DAY).doubt is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("created_at = created_at + 864000", id="a time that its hash does not cover"),
        pytest.param("payload = CAST(x'ff' AS TEXT)", id="bytes that are no text"),
        pytest.param("hash = CAST(hash AS BLOB), payload = x'00'", id="another storage class"),
    ],
)
def test_a_report_that_does_not_hold_confirms_nothing(
    database: LocalDatabase, sql: apsw.Connection, change: str
) -> None:
    chains.append(sql, "system", [NOW + 20 * DAY], kind="retention_completed")
    assert planned(database, now=NOW + 25 * DAY).doubt is None
    sql.execute(f"UPDATE audit_chain SET {change} WHERE tenant_id = 'system'")
    assert refused(database, NOW + 25 * DAY).reason in (Doubt.LONE_ENTRY, Doubt.BEHIND_ENTRY)


def test_times_in_another_unit_are_no_times(database: LocalDatabase, sql: apsw.Connection) -> None:
    sql.execute("UPDATE audit_chain SET created_at = created_at * 1000 WHERE tenant_id = 'globex'")
    sql.execute("UPDATE audit_chain SET created_at = created_at + 0.5 WHERE seq > 5 AND tenant_id = 'acme'")
    assert planned(database, now=NOW - 85 * DAY).doubt is None
    assert refused(database, NOW).known == NOW - 88 * DAY


def test_a_file_that_knows_no_time_asks(database: LocalDatabase, sql: apsw.Connection) -> None:
    sql.execute("DELETE FROM audit_chain")
    assert refused(database, NOW).reason is Doubt.NOTHING_KNOWN
    assert planned(database, facts=ClockFacts(last_run=NOW - DAY)).doubt is None
    sql.execute("DROP TABLE audit_chain")
    with pytest.raises(ClockProblem, match="nothing in the database confirms it"):
        retain(database)
    assert retain(database, clock=True).total == 1


def test_a_time_that_a_person_gives_may_lie_ahead_but_not_behind(
    database: LocalDatabase, sql: apsw.Connection
) -> None:
    stated = ClockFacts(stated=True)
    assert planned(database, now=NOW + 10 * DAY, facts=stated).doubt is None
    sql.execute("UPDATE notifications SET created_at = 1")
    with pytest.raises(ClockProblem, match=r"^The time given is 2026-11-13 11:06:40 UTC, but an entry"):
        retain(database, NOW - 5 * DAY, facts=stated)
    assert retain(database, NOW + 10 * DAY, facts=stated).total == 6


# the machine's own steady clock


class Machine:
    """A computer whose clock can be set; its steady clock cannot."""

    def __init__(self, counts_sleep: bool = True) -> None:
        self.wall, self.steady = NOW, 5_000.0
        self.watch = ClockWatch(lambda: self.wall, SteadyClock(lambda: self.steady, counts_sleep))

    def pass_by(self, seconds: int) -> None:
        self.wall += seconds
        self.steady += seconds

    def facts(self) -> ClockFacts:
        return self.watch.facts(self.watch.read(), None)


def test_time_that_passes_is_no_jump() -> None:
    machine = Machine()
    machine.pass_by(400 * DAY)
    machine.wall += HOUR  # what a time server corrects, and less
    assert machine.facts() == ClockFacts()


@pytest.mark.parametrize("jump", [-10 * DAY, -HOUR - 1, HOUR + 1, 2 * DAY])
def test_a_clock_that_is_set_has_jumped_until_it_is_believed_or_set_right(jump: int) -> None:
    machine = Machine()
    machine.pass_by(DAY)
    machine.wall += jump
    machine.pass_by(DAY)
    assert machine.facts().jump == jump
    machine.wall -= jump
    assert machine.facts().jump == 0
    machine.wall += jump
    machine.watch.believe(machine.watch.read())
    machine.pass_by(DAY)
    assert machine.facts().jump == 0


def test_sleep_is_no_jump_where_the_steady_clock_stops_in_it() -> None:
    machine = Machine(counts_sleep=False)
    machine.wall += 3 * DAY
    assert machine.facts().jump == 0
    machine.wall -= 4 * DAY
    assert machine.facts().jump == -DAY, "no sleep sets a clock back"


@pytest.mark.slow
def test_a_doubt_stands_until_the_clock_is_set(database: LocalDatabase, sql: apsw.Connection) -> None:
    """A program started with a clock ten days ahead: what is written meanwhile is dated by the same clock."""
    machine = Machine()
    machine.wall += 10 * DAY
    machine.watch = ClockWatch(lambda: machine.wall, SteadyClock(lambda: machine.steady, True))
    doubt = refused(database, machine.wall, facts=machine.facts())
    machine.watch.doubt(doubt, machine.watch.read())
    machine.pass_by(HOUR)
    chains.append(sql, "acme", [machine.wall] * 3)
    assert refused(database, machine.wall, facts=machine.facts()).reason is Doubt.AHEAD_OF_ENTRIES
    machine.wall -= 10 * DAY
    facts = machine.facts()
    assert facts == ClockFacts(), "a clock in doubt is no measure of a jump"
    assert refused(database, machine.wall, facts=facts).reason is Doubt.BEHIND_ENTRY
    sql.execute("DELETE FROM audit_chain WHERE created_at > ?", (NOW + DAY,))
    sql.execute("UPDATE sqlite_sequence SET seq = (SELECT max(seq) FROM audit_chain)")
    assert retain(database, machine.wall, facts=facts).total == 4


@pytest.mark.usefixtures("sql")
@pytest.mark.parametrize("off", [-60 * DAY, -3 * HOUR, -61, 61, 3 * HOUR, 6 * DAY, 60 * DAY])
def test_a_clock_that_is_another_than_the_databases_is_refused(database: LocalDatabase, off: int) -> None:
    """As an engine tells that has a clock; whatever else is known, but for a time that a person states."""
    database.clock_off = float(off)
    machine = Machine()
    for facts in (ClockFacts(), ClockFacts(last_run=NOW - HOUR), ClockFacts(jump=2 * DAY)):
        doubt = refused(database, NOW, facts=facts)
        assert (doubt.reason, doubt.now, doubt.known) == (Doubt.OFF_DATABASE, NOW, NOW - off)
        assert doubt.is_off and doubt.is_contradicted
    assert doubt.sentence(utc_time) == (
        f"This computer's clock says {utc_time(NOW)}; {database.place}'s says {utc_time(NOW - off)}, as the "
        "dates of its answers tell."
    )
    assert retain(database, facts=ClockFacts(stated=True)).total == 4
    machine.watch.doubt(doubt, machine.watch.read())
    machine.wall -= off
    assert machine.facts() == ClockFacts(), "the database says so again, as long as it is so"


@pytest.mark.usefixtures("sql")
def test_clocks_that_hardly_differ_are_one(database: LocalDatabase) -> None:
    for off in (-60.0, 60.0):
        database.clock_off = off
        assert planned(database).doubt is None


def test_a_jump_is_said_in_days_or_hours() -> None:
    ahead = ClockDoubt(Doubt.JUMPED, NOW, jump=10 * DAY)
    assert ahead.sentence(utc_time) == (
        "This computer's clock says 2026-11-18 11:06:40 UTC; it was set forward by 10 days while the "
        "program was running."
    )
    back = ClockDoubt(Doubt.JUMPED, NOW, jump=-2 * HOUR)
    assert "it was set back by 2 hours while" in back.sentence(utc_time)


def test_the_machine_has_a_clock_that_only_goes_on() -> None:
    clock = steady_clock()
    assert 0 < clock.read() <= clock.read()
