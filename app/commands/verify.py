"""`tenant-admin verify`, and `checkpoint`, which signs what it found."""

import argparse
import sys
from contextlib import redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.commands.common import (
    EXIT_COULD_NOT_RUN,
    EXIT_FINDINGS,
    EXIT_INTACT,
    LiveName,
    clock,
    complain,
    connected,
    database_path,
    print_json,
    print_report,
    say,
    say_before,
    say_used,
    used,
    whole,
)
from app.services.text import counted, some_of, tenant_name
from models.errors import InvalidInput, StorageError

if TYPE_CHECKING:
    from app.services.chain.checkpoints.store import CheckpointStore
    from app.services.chain.verify.report import LostEnd, Report, Section
    from app.services.chain.where import Where

_AS_IT_SHOULD = "that a chain begins where it should"


def verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--tenant", help="check this tenant's chain alone")
    parser.add_argument("--from", type=whole, metavar="SEQ", dest="seq_from", help="check from this entry on")
    parser.add_argument("--to", type=whole, metavar="SEQ", dest="seq_to", help="check up to this entry")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="EXPORT", help="check against exported checkpoints, not our own"
    )
    parser.add_argument(
        "--trust-key",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="trust this key of the export, as a finding KEY names it (may be repeated)",
    )
    how_much = parser.add_mutually_exclusive_group()
    how_much.add_argument(
        "--since-checkpoint",
        action="store_true",
        help="check no more than needed: from the last checkpoint on, if the file still matches it; all of "
        "it if there is none, and once a day; the default for d1:NAME, there without the daily full check",
    )
    how_much.add_argument(
        "--whole", action="store_true", help="check everything, also of d1:NAME; how many rows is said first"
    )
    parser.add_argument(
        "--accept-end",
        action="store_true",
        help="accept that the file ends before what was verified, or otherwise, where you know why; until "
        "then that is reported each time, and no checkpoint is made. Nothing is accepted where more is lost "
        "than was reported last",
    )
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="print nothing where nothing is to be said of a file, and the rest on standard error",
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="prove the file and what retention archived as one chain"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write an evidence bundle that can be checked anywhere"
    )


def verify(options: argparse.Namespace) -> int:
    """Check the audit chains of a file."""
    from app.services.chain.checkpoints.document import read_each, readable  # noqa: PLC0415
    from app.services.chain.checkpoints.lost_ends import shown_end  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_by_itself, verify_with_checkpoints  # noqa: PLC0415
    from app.services.chain.checkpoints.tables import StoreUnreadable  # noqa: PLC0415
    from app.services.chain.rules import Verdict  # noqa: PLC0415
    from app.services.chain.verify.report import Section  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    if options.trust_key and options.checkpoints is None:
        raise InvalidInput("trust-key", "--trust-key names a key of an export; give that with --checkpoints.")
    if options.quiet and options.json:
        raise InvalidInput("quiet", "--quiet prints nothing, and --json a report; choose one of them.")
    store, verifier = store_and_verifier(take_part=True)
    section = Section(options.tenant, options.seq_from, options.seq_to)
    exported, trust = options.checkpoints, [key.lower() for key in options.trust_key]
    since = None
    where = _where(options.file)
    before = cache(partial(_say_rows, where, store, quiet=options.quiet))  # which says it once
    by = paths.os_user()
    if options.accept_end and (section != Section() or exported is not None):
        raise InvalidInput("accept-end", "--accept-end is said of the whole file; leave the others out.")
    # What nobody was shown is not accepted: it is told now, and the same command accepts it then.
    accepts_end = (options.accept_end and shown_end(where, store)) or False
    unread: StoreUnreadable | None = None
    try:
        if options.since_checkpoint or (
            where.costs and not options.whole and not any(_asked(options).values())
        ):
            _refuse_beside_since(options)
            new_alone = partial(verify_by_itself, where, store, verifier, now=clock, by=by, sign=False)
            checked = new_alone(accepts_end=accepts_end, before=before)
            report, since = checked.report, checked.since
        else:
            before(section)
            held = partial(verify_with_checkpoints, where, store, verifier, section=section, now=clock, by=by)
            with_what = {"archive": options.archive, "accepts_end": accepts_end}
            report = held(export=exported, trust=trust, **with_what)
    except StoreUnreadable as error:  # what the file says of itself is known all the same
        if (exported, options.archive, options.report) != (None,) * 3:
            raise
        if options.quiet:  # said all the same, as with checkpoints it would be fewer
            _say_rows(where, store, section)
        before(section)
        unread, report = error, verifier(where, section=section, now=clock)
    is_empty = not (report.entries or report.findings or report.lacks_table)
    if since is None and is_empty and report.lost_end is None:
        _refuse_empty(section)
    if options.report is not None:
        from app.services.chain.evidence import write_bundle  # noqa: PLC0415 - few write one

        if where.costs and not options.quiet:
            say_before(where.name, None, 2 * report.entries)  # of each its size first
        known = store.all_checkpoints(where) if exported is None else readable(read_each(exported))
        write_bundle(
            where, report, options.report, section=section, checkpoints=known, now=report.begun(clock)
        )
    show = partial(print_report, is_part=since is not None or section.is_range)
    if options.json:
        more = {} if since is None else {"sinceCheckpoint": since.number}
        print_json(report.to_json() | more | used(where.usage))
    elif not options.quiet:
        if since is not None:
            new = "on" if report.entries else "on, nothing is new"
            say(f"from checkpoint {since.number} {new}: the last entries that it knew are there")
        if since is None or report.entries or report.findings:
            show(report)
        else:
            for note in report.notes:
                say(note)
        _say_accepted(report.accepted_end)
        say_used(where.usage)
    elif not report.stands or report.doubts or report.clock or report.accepted_end is not None:
        with redirect_stdout(sys.stderr):
            say(str(options.file))
            show(report)
            _say_accepted(report.accepted_end)
    if unread is not None:
        complain(f"{unread.happened} What is said above of the file is without them.")
        return EXIT_COULD_NOT_RUN if report.stands else EXIT_FINDINGS
    if options.accept_end and not accepts_end and report.intact and report.lost_end is not None:
        complain("no end was accepted: it was not shown before; the same command accepts what is named above")
    if options.accept_end and not report.intact:
        why = "that is said of chains in which nothing else is wrong"
        if report.verdict is Verdict.EARLIER or report.ends_before:
            why = "checkpoints know what is gone"
        complain(f"no end was accepted: {why}")
    if exported is None and not report.stands and not options.json:
        _advise(report)
    return EXIT_INTACT if report.stands else EXIT_FINDINGS


def _say_accepted(end: "LostEnd | None") -> None:
    """All tenants whose entries were accepted to be gone, of whom the sentence about it names one or two."""
    if end is not None and (tenants := sorted(end.tenants)):
        count = len(tenants) + end.unnamed
        named = some_of(tenants, len(tenants), count, noun="other tenant", shown=tenant_name)
        say(f"Accepted of {named}.")


def _advise(report: "Report") -> None:
    """Where a file does not hold, or is an earlier state, what a person who knows why may say of it."""
    from app.services.chain.checkpoints.signing import OPEN, Way, doors  # noqa: PLC0415

    found = doors(report)
    if found[Way.ACCEPT_END] == OPEN:
        complain("if you know why: tenant-admin verify --accept-end")
        return
    said = {
        Way.ACCEPT_STARTS: f"--accept-starts says {_AS_IT_SHOULD}",
        Way.START_OVER: "--start-over goes by what is there now",
        Way.ANOTHER_DATABASE: "--another-database where it is a copy that went its own way",
    }
    if ways := [words for way, words in said.items() if found[way] == OPEN]:
        complain(f"if you know why: tenant-admin checkpoint {'; '.join(ways)}")


def _where(given: Path | LiveName) -> "Where":
    """What is to be verified."""
    from app.services.chain.where import InDatabase, InFile  # noqa: PLC0415

    if isinstance(given, LiveName):
        return InDatabase(connected(given, read_only=True)[1])
    return InFile(database_path(given))


_MORE = ", answers are lost, or, up to several times as many, where something is wrong"


def _say_rows(where: "Where", store: "CheckpointStore", section: "Section", *, quiet: bool = False) -> None:
    """Says before it begins how much of a live database is read, unless it is to be `quiet`."""
    from app.services.chain.checkpoints.making import most_to_read  # noqa: PLC0415

    if not quiet and where.usage is not None:
        rows = most_to_read(where, store, section)
        how_many = "about" if section.tenant is None else "at most"
        say_before(where.name, where.usage, rows, how_many, or_where=_MORE)


def _asked(options: argparse.Namespace) -> dict[str, object]:
    """What asks for a part, or for a proof of the whole."""
    wholes = {"checkpoints": options.checkpoints, "archive": options.archive, "report": options.report}
    return wholes | {"tenant": options.tenant, "from": options.seq_from, "to": options.seq_to}


def _refuse_beside_since(options: argparse.Namespace) -> None:
    """Raises `InvalidInput` for what asks for another part, or for a proof of the whole."""
    for name, given in _asked(options).items():
        if given is not None:
            raise InvalidInput(name, f"--since-checkpoint does not go with --{name}; leave one of them out.")


def _refuse_empty(section: "Section") -> None:
    """A section that holds nothing is more likely mistyped than in order. Raises `InvalidInput`."""
    whose = "" if section.tenant is None else f" of {tenant_name(section.tenant)}"
    if section.is_range:
        raise InvalidInput("range", f"There are no audit entries{whose} in this range; check the numbers.")
    if whose:
        raise InvalidInput("tenant", f"There are no audit entries{whose}; check the name.")


def checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--export",
        type=Path,
        metavar="OUT",
        help="write all checkpoints to keep elsewhere; over no file but an earlier export",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--import", type=Path, metavar="IN", dest="imported", help="take in an export instead of making one"
    )
    what.add_argument(
        "--start-over",
        action="store_true",
        help="start over: from now on compare the file with its current content instead of the checkpoints "
        "so far, which are kept",
    )
    what.add_argument(
        "--another-database",
        action="store_true",
        help="the file is not the database that checkpoints take it for, for example a copy that now differs "
        "on purpose: from now on it has checkpoints of its own, and the other keeps those made so far",
    )
    parser.add_argument(
        "--accept-starts",
        action="store_true",
        help="accept chains whose start nothing proves, or that have no entries left, as after the "
        "platform's own cleanup; this is recorded in your name (--start-over does it, too)",
    )


def checkpoint(options: argparse.Namespace) -> int:
    """Verify a file and sign what was found."""
    from app.services.chain.checkpoint import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.document import require_export_place  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_and_sign  # noqa: PLC0415
    from app.services.chain.rules import Verdict  # noqa: PLC0415
    from app.services.chain.verify.report import EVERYTHING  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    if options.export is not None:
        require_export_place(options.export)
    where = _where(options.file)
    code, has_nothing = EXIT_INTACT, False
    store, verify = store_and_verifier(take_part=True)
    if options.imported is not None:
        say(
            f"{counted(store.import_(options.imported, now=clock(), where=where), 'new checkpoint')} imported"
        )
    else:
        reason = Reason.START_OVER if options.start_over else Reason.REQUEST
        reason = Reason.ANOTHER_DATABASE if options.another_database else reason
        accepts = options.start_over or options.accept_starts
        accepted_by = paths.os_user() if accepts else None
        _say_rows(where, store, EVERYTHING)
        made = verify_and_sign(
            where, store, verify, now=clock, reason=reason, accepted_by=accepted_by, by=paths.os_user()
        )
        has_nothing = made.checkpoint is None and not made.report.entries and made.report.stands
        if has_nothing:
            for note in made.report.notes if made.report.lacks_table else ():
                say(note)
            say(str(made.why_not))
            if options.export is None:
                say_used(where.usage)
                return EXIT_INTACT
        elif made.checkpoint is None:
            print_report(made.report)
            say_used(where.usage)
            is_said = made.report.lost_end is not None  # with the report
            complain("no checkpoint was made" if is_said else str(made.why_not))
            if made.report.stands:
                return EXIT_COULD_NOT_RUN
            if reason is Reason.REQUEST:
                _advise(made.report)
            return EXIT_FINDINGS
        for note in made.report.notes:
            say(note)
        if not has_nothing:
            say(f"checkpoint {made.checkpoint}: {counted(made.report.entries, 'entry', 'entries')} signed")
            say(store.where_key_is())
        for item in made.report.tenants:
            name = tenant_name(item.tenant)
            if item.verdict is Verdict.UNPROVEN_START:
                complain(
                    f"nothing proves what came before the start of {name}; --accept-starts says "
                    f"{_AS_IT_SHOULD}"
                )
                code = EXIT_FINDINGS
            elif item.anchor is not None and item.anchor.kind == "adopted":
                say(f"the start of {name} at entry {item.first_seq:,} is accepted as it is")
    for row in store.unreadable(where):
        complain(f"{row} cannot be read; the rest was used")
    say_used(where.usage)
    if options.export is not None:
        try:
            say(f"{counted(store.export(where, options.export), 'checkpoint')} written to {options.export}")
        except StorageError as error:
            was_made = options.imported is None and not has_nothing
            first = "the checkpoint was made; only its export failed. " if was_made else ""
            complain(f"{first}{error.happened}")
            return EXIT_COULD_NOT_RUN
    return code


def prove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("entry", help="its number, or its hash or the beginning of that")
    parser.add_argument("out", type=Path, help="a new or empty folder")


def prove(options: argparse.Namespace) -> int:
    """Write the proof of one entry for somebody else: it, the checkpoint that covers it, what is between."""
    from app.services.chain import evidence  # noqa: PLC0415
    from app.services.chain.reading import meant  # noqa: PLC0415
    from app.services.records.history import summary  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    wanted, where = meant(options.entry), _where(options.file)
    store, verifier = store_and_verifier(take_part=True)
    proof = evidence.find_proof(where, store, wanted)
    if where.costs:
        # It is verified, and of each its size comes first.
        say_before(where.name, where.usage, 3 * proof.most, "up to")
    write = partial(evidence.write_proof, where, store, verifier, proof, options.out)
    entries = write(now=clock, by=paths.os_user(), in_words=summary)
    say(f"{options.out}: {proof.said(entries)}")
    say_used(where.usage)
    return EXIT_INTACT
