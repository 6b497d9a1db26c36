"""`tenant-admin retention`."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.commands import common
from app.services.chain.rules import SECONDS_LIMIT
from app.services.text import counted, tenant_name, utc_time
from models.errors import NotAllowed
from models.progress import Monitor, Stop
from models.status import DEFAULT_RETENTION_DAYS

if TYPE_CHECKING:  # nothing is loaded for the help
    from app.services.retention.clock import ClockDoubt
    from app.services.retention.plan import Plan
    from app.services.retention.removal import RetentionResult
    from models.engine import Database

_NOW = (
    "reckon from this time (seconds since 1970), which confirms that it may lie far ahead of all that is in "
    "the file; one that is a day or more before the newest entry is refused all the same, or reported where "
    "nothing is old by it"
)
_MILLISECONDS = (
    "read times that seem to be in milliseconds as such; otherwise what has them stays, and is counted"
)
_STATUS = (
    "Exit status: 0 when all that is old went (or would go), 1 when something old stays (or would, until you "
    "confirm more), a chain is broken or the clock lies behind what the file holds, or is another than a "
    "live database's, which is named with its reason, 2 when nothing could be done."
)


def retention_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _STATUS
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--days",
        type=common.positive,
        default=DEFAULT_RETENTION_DAYS,
        help="how long data is kept (default: %(default)s)",
    )
    parser.add_argument("--now", type=_time, metavar="EPOCH", help=_NOW)
    parser.add_argument(
        "--allow-majority",
        action="store_true",
        help="also when more than half of a tenant's audit entries would go, which is refused otherwise",
    )
    parser.add_argument(
        "--trust-clock",
        action="store_true",
        help="also when the newest entry, the last run or a live database's clock puts the time in doubt; "
        "refused otherwise",
    )
    parser.add_argument(
        "--without-checkpoint",
        action="store_true",
        help="also when no checkpoint can be made before, which is refused otherwise",
    )
    parser.add_argument(
        "--without-bookmark",
        action="store_true",
        help="also when no Time Travel bookmark can be taken before, which is refused where one could be",
    )
    parser.add_argument("--milliseconds", action="store_true", help=_MILLISECONDS)
    parser.add_argument("--unrecorded", action="store_true", help=common.UNRECORDED)
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="keep the audit entries that are removed in files there"
    )
    parser.add_argument("--force", action="store_true", help=common.BESIDE_SERVER)
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, remove nothing")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def _time(value: str) -> int:
    number = int(value)
    if not 0 <= number < SECONDS_LIMIT:
        raise argparse.ArgumentTypeError("is no time in seconds since 1970")
    return number


def retention(options: argparse.Namespace) -> int:
    """Remove what is older than the retention period."""
    from app.services.chain.cautions import NoBookmark, NotRecorded  # noqa: PLC0415
    from app.services.chain.checkpoints.making import known_through, try_to_sign  # noqa: PLC0415
    from app.services.opened import ASKED  # noqa: PLC0415
    from app.services.retention import clock, plan, run  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    tells_clock = options.trust_clock or options.now is not None  # else the plan's doubt does
    how = {"read_only": options.dry_run, "force_writable": True, "tells_clock": tells_clock}
    given = common.opened(options.file, **how)
    now = common.clock() if options.now is None else options.now  # which opening may have waited for
    store, verify = store_and_verifier(take_part=True)
    why = given.read_only_reason
    if why is not None and not options.dry_run:
        raise NotAllowed(f"{given.place} cannot be written, because {why}; nothing was removed.")
    refused: list[str] = []  # of a dry run: why a run would remove nothing at all
    if why not in (None, ASKED):
        refused.append(f"{given.place} cannot be written, because {why}; so nothing would be removed now")
    if given.file is not None:
        try:
            common.require_beside(given.file, force=options.force, nothing="removed")
        except NotAllowed as error:
            if not options.dry_run:
                raise
            refused.append(str(error))
    for said in refused:
        common.complain(said)
    database = given.database

    clocked = partial(try_to_sign, clock=common.clock, by=paths.os_user())
    checkpoint = partial(clocked, given.where, store, verify)
    reads = plan.rows_to_read(given, known_through(store, given.where))
    archived = options.archive is not None
    most = reads.most if options.dry_run else reads.most_of_a_run(archived=archived)
    least = f"{reads.least:,} to"
    common.say_before(given.place, database.usage, most, least, or_where=" or a chain is broken")
    with _archive(options), database.connection_context():
        planned = plan.plan(
            database,
            now=now,
            days=options.days,
            facts=clock.ClockFacts(stated=options.now is not None),
            milliseconds=options.milliseconds,
            checkpoint=checkpoint,
        )
        for note in () if planned.attempt is None else planned.attempt.known.doubts:
            common.complain(note)
        if planned.unfinished is not None:
            common.complain(planned.unfinished)
        if planned.caution is not None and planned.is_recorded and not options.dry_run:
            common.complain(planned.caution)
        doubt = _contradicted(planned.doubt, options)
        if doubt is not None and not planned.total:
            common.complain(doubt.of_nothing(utc_time))
        if planned.in_milliseconds and not options.milliseconds:
            common.complain("to have times that seem to be in milliseconds read as such, add --milliseconds")
        confirmation = plan.Confirmation.to(
            planned,
            majority=options.allow_majority,
            clock=options.trust_clock,
            without_checkpoint=options.without_checkpoint,
            unrecorded=options.unrecorded,
            without_bookmark=options.without_bookmark,
        )
        if options.dry_run:
            asked = [type(one).__name__ for one in run.unconfirmed(planned, confirmation, database.place)]
            if planned.no_checkpoint is not None and not options.without_checkpoint:
                asked.append(run.NoCheckpoint.__name__)
            if planned.total and asked and planned.obstacle is None:
                flags = " ".join(common.FLAGS[name] for name in asked)
                refused.append(f"a run removes nothing unless you confirm that by {flags}")
                common.complain(refused[-1])
            is_wrong = doubt is not None or bool(refused)
            return _say_plan(planned, database, refused, as_json=options.json, is_wrong=is_wrong)
        try:
            with common.asked_to_stop(finishing=True) as cancelled:
                going = run.Run(
                    database=database,
                    plan=planned,
                    confirmation=confirmation,
                    now=now,
                    actor=paths.os_user(),
                    checkpoint=checkpoint,
                    kept_by=given.kept_by,
                    wall=common.clock(),
                    archive=options.archive,
                    monitor=Monitor(cancelled=_said_once(cancelled) if database.costs else cancelled),
                )
                try:
                    result = going.carry_out()
                except KeyboardInterrupt:
                    if went := going.result.total:
                        went_so = f"{counted(went, 'row')} went until then"
                        common.complain(f"{went_so}, and the chain has no report of the whole run")
                    raise
        except (
            plan.NeedsConfirmation,
            clock.ClockProblem,
            run.NoCheckpoint,
            NoBookmark,
            NotRecorded,
        ) as error:
            common.complain(common.asking(error, options))
            if isinstance(error, clock.ClockProblem) and error.doubt.is_off:
                return _say_result(going.result, planned.stored, database, options, stopped=str(error))
            if not options.json:
                common.say_used(database.usage)
            return common.EXIT_COULD_NOT_RUN
        except run.RetentionStopped as error:
            _say_result(error.result, planned.stored, database, options, stopped=str(error))
            common.complain(str(error))
            if going.is_logged:
                from app import bugs  # noqa: PLC0415 - only needed when something broke

                common.complain(f"that is in the log as well: {bugs.log_file()}")
            if going.is_left_unreported:
                return _left_unreported()
            went = error.result.total or error.may_be_more
            return common.EXIT_FINDINGS if went else common.EXIT_COULD_NOT_RUN
    status = _say_result(result, planned.stored, database, options)
    return _left_unreported() if result.total and going.is_left_unreported else status


def _contradicted(doubt: ClockDoubt | None, options: argparse.Namespace) -> ClockDoubt | None:
    """The doubt by which nobody can say that all that is old goes, unless a person trusts the clock."""
    is_so = doubt is not None and doubt.is_contradicted and not options.trust_clock
    return doubt if is_so else None


def _left_unreported() -> int:
    """Of a run that was cancelled while nothing answered; its exit status."""
    common.complain(
        "the chain says what each step removed, and has no report of the whole run; the next run says so, "
        "and makes one"
    )
    return common.ended_by(KeyboardInterrupt())


def _said_once(cancelled: Stop) -> Stop:
    """The same, which says that it was heard: what is left to do may wait for a limit's end."""
    said: list[str] = []

    def asked() -> bool:
        if cancelled() and not said:
            said.append("nothing more is removed; what went is still reported (Ctrl+C again ends without)")
            common.complain(said[0])
        return cancelled()

    return asked


@contextmanager
def _archive(options: argparse.Namespace) -> Iterator[None]:
    """Within it the folder of archives is there; one that was made for it goes again where it stays empty."""
    from app.services.chain.archives import make_folder  # noqa: PLC0415

    folder: Path | None = None if options.dry_run else options.archive
    is_new = False
    if folder is not None:
        is_new = make_folder(folder)
    try:
        yield
    finally:
        if folder is not None and is_new:
            with suppress(OSError):
                folder.rmdir()


def _say_result(
    result: RetentionResult,
    there: Collection[str],
    database: Database,
    options: argparse.Namespace,
    *,
    stopped: str = "",
) -> int:
    is_wrong = _contradicted(result.doubt, options) is not None
    if result.cancelled:
        common.complain(
            "cancelled; what was removed is gone, the rest stays, and a new run goes on from there"
        )
    for tenant, reason in result.broken.items():
        common.complain(
            f"broken after it: {database.place if tenant is None else tenant_name(tenant)}: {reason}"
        )
    if result.no_bookmark is not None:
        common.complain(result.no_bookmark)
    if result.no_checkpoint is not None:
        common.complain(f"no checkpoint could be made after it: {result.no_checkpoint}")
    if options.json:
        found = result.to_json() | ({"stopped": stopped} if stopped else {})
        common.print_json(found | common.used(database.usage))
    else:
        _say_rows(result.removed, "removed", there)
        _say_rows(result.perhaps, "more perhaps, which is not known", there)
        _say_rows(result.changed, "lost what they referred to", there)
        if result.bookmark is not None:
            common.say(f"before it, for Time Travel: {result.bookmark}")
        if result.archives:
            common.say(f"archived in {options.archive}: {', '.join(result.archives)}")
        _say_kept(result)
        common.say_used(database.usage)
    return common.EXIT_INTACT if result.is_complete and not is_wrong else common.EXIT_FINDINGS


def _say_plan(
    planned: Plan, database: Database, refused: Sequence[str], *, as_json: bool, is_wrong: bool
) -> int:
    if planned.obstacle is not None:  # a run would end with it
        common.complain(planned.obstacle)
    if as_json:
        why = {"refused": refused} if refused else {}
        common.print_json(planned.to_json() | why | common.used(database.usage))
    else:
        _say_rows(planned.counts, "would be removed", planned.stored)
        _say_rows(planned.changed, "would lose what they refer to", planned.stored)
        if planned.doubt is not None and planned.total:
            common.say(f"the clock is in doubt: {planned.doubt.of_count(utc_time)}")
        for share in planned.majority:
            common.say(
                f"more than half: {tenant_name(share.tenant_id)}: {share.losing:,} of {share.live:,} entries"
            )
        if planned.no_checkpoint is not None:
            common.say(f"no checkpoint can be made: {planned.no_checkpoint}")
        if planned.caution is not None and planned.is_recorded:
            common.say(f"to know before a run: {planned.caution}")
        if planned.total and not planned.has_chain:
            common.say("recorded nowhere: the database has no audit chain (no table audit_chain)")
        if planned.total:
            from models.engine import Capability  # noqa: PLC0415 - nothing is loaded for the help

            else_by = ", or by Time Travel" if Capability.TIME_TRAVEL in database.capabilities else ""
            common.say(f"what is removed cannot be brought back, but from a copy{else_by}")
        _say_kept(planned)
        common.say_used(database.usage)
    return common.EXIT_INTACT if planned.is_complete and not is_wrong else common.EXIT_FINDINGS


def _say_rows(counts: dict[str, int], verb: str, there: Collection[str]) -> None:
    for table, count in counts.items():
        is_there = count or table in there
        common.say(f"{table}: {count:,} {verb}" if is_there else f"{table}: not in this database")


def _say_kept(found: Plan | RetentionResult) -> None:
    for left in found.left:
        common.say(f"left alone: {tenant_name(left.tenant_id)}: {left.reason}")
    for skipped in found.skipped:
        common.say(f"left alone: {skipped.table}: {skipped.reason}")
