"""The ends to which chains were verified here, and those of what was made here, and whether they are still
there: no checkpoint need know them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from math import ceil
from operator import attrgetter, itemgetter
from typing import Final

from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.gone import has_chain
from app.services.chain.checkpoints.kept import MOST_TENANTS, KeptEnd, KeptEnds, KeptVerdict, in_common
from app.services.chain.checkpoints.own_ends import lost_entry, lost_own
from app.services.chain.checkpoints.rows import ChainRows, ledger_of, rows_of
from app.services.chain.checkpoints.signing import why_none
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.reading import entry_and_last, last_entry
from app.services.chain.rules import GENESIS, Now, Verdict, moment
from app.services.chain.verify.report import EVERYTHING, NOT_ACCEPTED, LostEnd, Report, Section
from app.services.chain.where import Where
from app.services.text import tenant_name, utc_time
from models.engine import KnownEntry, OwnEntry
from models.errors import NotAllowed, TenantAdminError

_OF_OTHERS: Final = "The end of {} is lost: it was {} on {}, and {}. That entry was not this tenant's{}"


_WHOLE: Final = "the whole database"
_ANOTHERS: Final = "another tenant's chain"


_IS_THERE: Final = ", whose own last one that was verified, entry {:,}, is there."


_NO_MORE: Final = ", of whom the newest checkpoint knows no more than there is."


_BEFORE_IT: Final = (
    "What comes before these entries is not as it was: it was {} on {}, and {}. Verify all of it."
)


_NOT_KNOWN: Final = "; whether others of this one are gone with it is not known. Verify all of it."


def with_lost_end_of(
    where: Where, store: CheckpointStore, report: Report, section: Section, *, now: Now, keeps: bool
) -> Report:
    """The same of a part where the end that was verified before lies in it, and is lost: of the tenant whose
    entry that was; to another one a note tells it. So it does of an end before a range, which is looked up
    where the range has entries of that tenant, as these may go on from it.

    `keeps` what nothing has kept yet, as a tenant alone may be all that is ever verified. Raises as
    `where.connect`.
    """
    if not report.intact:
        return report
    section = EVERYTHING if report.lacks_table else section  # all of it is gone with that, or nothing
    last, kept = store.verdicts.last(where), store.verdicts.ends(where)
    ends = [end for end in ends_to_look_for(last, 0, report) if section.has(end.through)]
    made = [one for one in store.verdicts.own.all(where) if section.tenant in (None, one.tenant)]
    made = [one for one in made if section.has(one.number)]
    before = kept.before(section, {one.tenant for one in report.tenants})
    asked = replace(kept, ends={**kept.of(section).ends, **before.ends})
    with rows_of(where) as rows:
        lost = _with_own(_not_there(rows, ends, report, None), _own_not_there(rows, made, 0, report))
        found = _tenants_lost(rows, asked, report, None)
        if lost or found:
            ends_at = last_entry(rows.database) if has_chain(rows.database) else 0
            lost, found = ([replace(end, ends_at=ends_at) for end in each] for each in (lost, found))
    of_tenants = [end for end in found if end.tenant not in before.ends]
    own = [end for end in lost if section.tenant is None or end.tenant in (None, section.tenant)]
    end = _named_another(where, kept, _with_others(LostEnd.together(own), of_tenants))
    if keeps:
        if lost or end is not None:
            all_of_it = LostEnd.together([*lost, end])  # which is shown now, and may be accepted
            if all_of_it is not None:
                store.verdicts.keep_end(where, all_of_it, is_lost=True)
        if end is None or not end.is_other:
            pieces = _pieces(report, kept) if section.is_range else set()
            ends_now = _ends_now(
                kept, asked, _last_entries(report, None), found, report.begun(now), pieces=pieces
            )
            _keep_ends(where, store, kept, ends_now)
    sooner = _with_others(None, [end for end in found if end.tenant in before.ends])
    if sooner is not None and not sooner.is_other:
        note = _BEFORE_IT.format(sooner.known, utc_time(sooner.at), sooner.found)
        report = replace(report, notes=(*report.notes, note))
    if end is not None:
        return report.with_lost_end(end)
    if not lost:
        return report
    there = kept.ends.get(section.tenant or "")
    is_covered = report.verdict is Verdict.VERIFIED and not report.not_covered and not section.is_range
    more = _NO_MORE if is_covered else _NOT_KNOWN
    more = more if there is None else _IS_THERE.format(there.through)
    note = _OF_OTHERS.format(*_to_others(lost[-1]), more)
    return replace(report, notes=(*report.notes, note))


def _to_others(lost: LostEnd) -> tuple[str, str, str, str]:
    """What is told of a lost end to somebody else, to whom no tenant and no act is named: of what it was the
    end, what was known of it, when, and what is found.
    """
    is_anothers = lost.of_tenant or bool(lost.known_by) or lost.ends_at >= lost.through
    how = " of another tenant" if lost.known_by else ""
    told = replace(lost, others=(), also=(), parts=(), of_tenant=False, known_by=how)
    return _ANOTHERS if is_anothers else _WHOLE, told.known, utc_time(lost.at), told.found


def _pieces(report: Report, kept: KeptEnds) -> set[str]:
    """The tenants of whom a range goes on from nothing that was gone through: not from the end that is kept,
    which the report has looked up, nor from the first entry or a marker.
    """
    found = set()
    for one in report.tenants:
        end, before = kept.ends.get(one.tenant), one.anchor
        joins = end is not None and not end.piece and before is not None and before.seq <= end.through
        if before is not None and before.kind == "entry" and not joins:
            found.add(one.tenant)
    return found


def _tenants_lost(rows: ChainRows, kept: KeptEnds, report: Report, since: Checkpoint | None) -> list[LostEnd]:
    """The ends of tenants that are not there as they were, of chains that hold; what the verification has met
    as a last entry is not looked up.
    """
    met = {*_last_entries(report, since)}
    left = {name: end for name, end in kept.ends.items() if (end.through, name, end.head) not in met}
    if report.lacks_table:
        return [_lost_of(name, end, kept.ledger) for name, end in left.items()]
    return _tenants_not_there(rows, left, kept.ledger)


def _tenants_not_there(rows: ChainRows, ends: Mapping[str, KeptEnd], ledger: str) -> list[LostEnd]:
    """Those of the ends that are lost, as by `ChainRows.lost`; one that was missed before stays so."""
    rows.at(seq for end in ends.values() for seq in (end.through, end.now) if seq)  # of all at once
    gone = {name: end for name, end in ends.items() if not rows.has((name, end.through, end.head))}
    later = [(name, end.now, end.now_head) for name, end in gone.items() if end.missed and end.now]
    once = [(name, end.through, end.head) for name, end in gone.items() if not end.missed]
    went = {name for name, _, _ in rows.lost([*later, *once], ledger)}
    lasts, is_other = rows.lasts_of([*gone]), bool(gone) and rows.is_other(ledger)
    lost = []
    for name, end in gone.items():
        last, more = lasts.get(name, 0), name in went
        if end.missed:
            left, losses = min(end.left, last) if more else end.left, end.losses + more
            one = _lost_of(name, replace(end, went=end.now) if more else end, ledger)
            lost.append(replace(one, is_other=is_other, parts=((name, left, losses),)))
        elif more:
            part = (name, min(last, end.through - 1), 1)
            lost.append(replace(_lost_of(name, end, ledger), is_other=is_other, parts=(part,)))
    return lost


def _lost_of(tenant: str, end: KeptEnd, ledger: str) -> LostEnd:
    parts = ((tenant, 0, max(1, end.losses)),)
    how = f" of {tenant_name(tenant)}, verified in a range" if end.piece else ""
    lost = LostEnd(end.through, end.at, end.head, 0, tenant, missed=True, ledger=ledger, known_by=how)
    went = ((tenant, end.went),) if end.went else ()
    return replace(lost, of_tenant=True, parts=parts, went=went)


def _with_others(lost: LostEnd | None, of_tenants: Sequence[LostEnd]) -> LostEnd | None:
    """The end of the whole that is lost, or else the furthest one of a tenant, with whose else are gone; of a
    tenant of whom an entry that was made here is gone, too, both are told.
    """
    lost = lost or max(of_tenants, key=lambda end: end.through, default=None)
    if lost is None or lost.is_other:
        return lost
    lost = LostEnd.together([*(end for end in of_tenants if end.tenant in lost.made_by), lost]) or lost
    alone = replace(lost, others=())
    others = {end.tenant: end.through for end in of_tenants if end.tenant and end.tenant not in alone.tenants}
    named = _as_many(sorted(others, key=others.__getitem__, reverse=True))
    apart = sorted(name for name in named if others[name] <= lost.ends_at)
    parts = sorted(part for end in of_tenants for part in end.parts if part[0] in alone.tenants | named)
    went = sorted(one for end in of_tenants for one in end.went if one[0] in alone.tenants | named)
    told = replace(alone, others=tuple(sorted(named)), apart=tuple(apart))
    told = replace(told, parts=tuple(parts), went=tuple(went))
    return replace(
        told, unnamed=len(others) - len(named), lasts=tuple((name, others[name]) for name in told.others)
    )


def _as_many(names: Iterable[str]) -> frozenset[str]:
    """The first of them, no more than are told."""
    left, found = _MOST_CHARACTERS, list[str]()
    for name in names:
        left -= len(name)
        if left < 0 or len(found) == MOST_TENANTS:
            break
        found.append(name)
    return frozenset(found)


def _ends_now(
    kept: KeptEnds,
    asked: KeptEnds | None,
    entries: Sequence[tuple[int, str | None, str | None]],
    lost: Sequence[LostEnd],
    now: int,
    *,
    pieces: Collection[str] = (),
) -> dict[str, KeptEnd]:
    """The ends of tenants of which these last entries were met, as far as they are later than those that are
    kept; those that are `lost` stay until somebody accepts that. What was not `asked` for stays as it is;
    None is all. Of the tenants in `pieces` what lies before was not gone through.
    """
    missed = {name: part for end in lost for name, *part in end.parts}
    more = dict(one for end in lost for one in end.went)
    looked_for = (kept if asked is None else asked).ends
    found = {
        name: _with_loss(end, missed[name][0], missed[name][1], more.get(name, 0))
        if name in missed
        else KeptEnd(end.through, end.head, end.at, piece=end.piece)
        for name, end in looked_for.items()
    }
    ends = {} if asked is None else {**kept.ends, **found}
    ends |= {name: found[name] for name in missed}
    for through, tenant, head in sorted(
        (entry for entry in entries if entry[1] is not None), key=itemgetter(0)
    ):
        name = str(tenant)
        if name in kept.ends and name not in found:
            continue  # it was not looked for, and may be lost
        end = found.get(name)
        if end is not None and end.missed:
            is_later = through >= end.now  # which is there, and a range may end before it
            ends[name] = replace(end, now=through, now_head=head) if is_later else end
        elif end is None or end.through < through:
            ends[name] = KeptEnd(through, head, now, piece=name in pieces)
        elif end.piece and end.through == through and name not in pieces:
            ends[name] = KeptEnd(through, head, now)
        else:
            ends[name] = end
    return ends


def _with_loss(end: KeptEnd, left: int, losses: int, went: int) -> KeptEnd:
    """The same that is lost; what was verified since is not missed once more where it went with that."""
    lost = replace(end, missed=True, left=left, losses=losses, went=went)
    return replace(lost, now=0, now_head=None) if losses > end.losses else lost


def _keep_ends(where: Where, store: CheckpointStore, kept: KeptEnds, ends: Mapping[str, KeptEnd]) -> None:
    now = KeptEnds(ends)
    if not where.costs:
        with suppress(TenantAdminError, OSError), rows_of(where) as rows:
            first = next(((row.hash, row.previous_hash) for _, row in rows.ends[:1]), ())
            now = KeptEnds(ends, rows.ledger(), first=(*(kept.first or first)[:2], *first))
    if now != kept:
        store.verdicts.keep_ends(where, now)


def _named_another(where: Where, kept: KeptEnds, lost: LostEnd | None) -> LostEnd | None:
    """The same where it is another database that is there: by its ledger, or where one has none by what it
    has, which is no entry that was verified here, none that goes on from one, and not the first one.
    """
    if lost is None or lost.is_other:
        return lost
    hashes = {*kept.first, *(end.head or "" for end in kept.ends.values())} - {"", GENESIS}
    with suppress(TenantAdminError, OSError), rows_of(where) as rows:
        is_told = kept.ledger and rows.ledger()
        if rows.is_other(kept.ledger) or (
            not is_told and kept.first and not rows.empty and rows.with_any_hash(hashes) is None
        ):
            return replace(lost, is_other=True)
    return lost


_MOST_CHARACTERS: Final = 50_000
"""In the names of tenants whose ends are lost."""


_MOST_LOOKED_FOR: Final = 500
"""Tenants of whom the last entry is looked for where nothing is verified."""


_ACCEPT_END: Final = "tenant-admin verify --accept-end"


_START_OVER: Final = (
    "tenant-admin checkpoint --start-over, or --another-database where it is a copy that went its own way"
)


_NOT_LOOKED_UP: Final = "Whether the end that was verified before is there could not be looked up"


def keep_verdict(
    where: Where,
    store: CheckpointStore,
    report: Report,
    *,
    now: Now,
    by: str,
    since: Checkpoint | None = None,
    part: bool = False,
    accepts_end: LostEnd | bool = False,
    is_put_back: bool = False,
    rows: ChainRows | None = None,
) -> Report:
    """Keeps what was said of the whole file, of what lies behind the checkpoint `since`, or of a broken
    `part`. Returns the report, which has a note where the chains have lost the end that was verified here
    then: no checkpoint need know that. What holds is not kept over what another one, which began later, has
    found by now.

    The note comes until somebody says that this end is right, and `accepts_end`: the one that was shown,
    where no more is lost than that, or, where none was, any; and never where an earlier state `is_put_back`
    by an act that says so. What `rows` have seen by now is not looked up again. Raises as `where.connect`
    where chains hold that may have lost their end.
    """
    clock, now = now, report.begun(now)
    last, (through, tenant, head) = store.verdicts.last(where), _last_entry(report, since)
    ledger, (before, other) = ledger_of(where), store.verdicts.said_before(where)
    ends = ends_to_look_for(before, through, report)
    kept, of_tenants = store.verdicts.ends(where), list[LostEnd]()
    if report.verdict is not Verdict.UNREADABLE:  # also of what is broken, as something may excuse it later
        try:
            with ExitStack() as stack:
                rows = rows or ChainRows(where, stack)
                ends = _not_there(rows, ends, report, since)
                of_tenants = _tenants_lost(rows, kept, report, since) if report.intact else []
                if report.intact and not part:
                    made = store.verdicts.own.all(where)
                    ends = _with_own(ends, _own_not_there(rows, made, through, report))
        except (TenantAdminError, OSError) as error:
            if report.intact and not is_put_back:
                raise
            report = replace(report, notes=(*report.notes, f"{_NOT_LOOKED_UP}: {why_none(error, where)}"))
    ends_at = _last_entry(report, since)[0]
    here = [replace(end, ends_at=ends_at) for end in of_tenants]
    lost_end = _with_others(LostEnd.together(ends), here)
    if report.intact and not report.lacks_table:
        lost_end = _named_another(where, kept, lost_end)
    if is_put_back:
        store.verdicts.own.forget(where)
        forgotten = [] if lost_end is None or not report.intact else [lost_end.forgotten]
        report, lost_end = replace(report, notes=(*report.notes, *forgotten)), None
    elif report.intact and other is not None:
        report = replace(report, notes=(*report.notes, *_said_of_another(where, other)))
    is_accepted = (
        lost_end is not None
        and report.intact
        and (lost_end.is_within(accepts_end) if isinstance(accepts_end, LostEnd) else accepts_end)
    )
    each, tenants = in_common(report, since) if report.intact else (None, report.verdicts)
    names = not part and (report.intact or (since is None and len(tenants) <= MOST_TENANTS))
    whole_before = None if last is None or since is None else last.whole_at
    said = KeptVerdict(
        report.verdict,
        now,
        by,
        report.entries,
        report.errors,
        report.warnings,
        through,
        None if since is None else since.number,
        now if since is None else whole_before,
        part,
        report.undecided,
        report.ends_before,
        None if is_accepted else lost_end,
        tenant,
        head,
        ledger,
        tenants if names else {},
        report.lacks_table,
        each,
    )
    ended = max(moment(clock), now + ceil(report.seconds))  # also where `now` is no clock
    is_over = last is not None and now < last.at <= ended and report.intact
    is_kept = not is_over and store.verdicts.keep(where, said)
    if is_kept and report.intact:
        if is_put_back or is_accepted:
            kept, of_tenants = KeptEnds(this=False), []
        if said.lost_end is None or not said.lost_end.is_other:  # whose ends are none of this one's
            asked, entries = None if since is None else kept, _last_entries(report, since)
            _keep_ends(where, store, kept, _ends_now(kept, asked, entries, of_tenants, now))
    if report.verdict is Verdict.VERIFIED:
        store.follow(where)
    if lost_end is None or not report.intact:
        return report
    if is_accepted and is_kept:
        store.verdicts.own.forget(where, {end.through for end in ends})
        return replace(report, notes=(*report.notes, lost_end.accepted), accepted_end=lost_end)
    why = ", as that could not be kept." if is_accepted else ": more is gone than was shown before."
    return report.with_lost_end(lost_end, *([f"{NOT_ACCEPTED}{why}"] if accepts_end else []))


def _with_own(ends: Sequence[LostEnd], own: Sequence[LostEnd]) -> list[LostEnd]:
    """What is lost, those entries that were made here among it, by their numbers."""
    known = {end.through for end in ends}
    both = [*ends, *(end for end in own if end.through not in known)]
    return sorted(both, key=attrgetter("through"))


def _own_not_there(rows: ChainRows, made: Sequence[OwnEntry], ends_at: int, report: Report) -> list[LostEnd]:
    """Those of what was made here that are lost; all, where what has rows of them is no chain."""
    if report.lacks_table:
        return [lost_entry(one, ends_at) for one in made]
    return lost_own(rows, made, ends_at)


def _said_of_another(where: Where, other: KeptVerdict) -> list[str]:
    """That the end of what was verified in this place, in another file, is not in the one that is there."""
    end = LostEnd(other.through, other.at, other.head, 0, other.tenant)
    with rows_of(where) as rows:
        if not other.through or _if_lost(rows, end) is None:
            return []
    return [
        f"Another file was in this place when it was verified last, through entry {other.through:,} on "
        f"{utc_time(other.at)}: that entry is not in this one."
    ]


def _last_entry(report: Report, since: Checkpoint | None) -> tuple[int, str | None, str | None]:
    """Its number, whose it is, and its hash; of the checkpoint where nothing came behind that; 0 of none."""
    return max(_last_entries(report, since), key=itemgetter(0), default=(0, None, None))


def _last_entries(report: Report, since: Checkpoint | None) -> list[tuple[int, str | None, str | None]]:
    """The same of each tenant, some of them twice."""
    known = () if since is None else [(one.last_seq, name, one.head) for name, one in since.tenants.items()]
    found = [(one.last_seq, one.tenant, one.head) for one in report.tenants if one.last_seq is not None]
    return [*known, *found]


def ends_to_look_for(last: KeptVerdict | None, ends_at: int, report: Report | None = None) -> list[LostEnd]:
    """What was verified before, the first one first, and is looked for as long as what was found since does
    not hold: what is lost already, and the end that was found with that; by the `report` of a table that is
    gone, and nothing else is wrong, also the end of what did not hold.
    """
    if last is None:
        return []
    lost = last.lost_end
    ends = [] if lost is None else [*lost.also, replace(lost, also=())]
    is_told = lost is not None and (lost.through, lost.head) == (last.through, last.head)
    if last.intact and last.through > 0 and not is_told:
        ends.append(LostEnd(last.through, last.at, last.head, ends_at, last.tenant, ledger=last.ledger))
    if not ends and last.through and report is not None and report.lacks_table and report.intact:
        return [LostEnd(last.through, last.at, last.head, 0, last.tenant)]
    return [replace(end, ends_at=ends_at) for end in ends]


def _not_there(
    rows: ChainRows, ends: Sequence[LostEnd], report: Report, since: Checkpoint | None
) -> list[LostEnd]:
    """Those of the ends that are lost; of chains that do not hold all of them, as that may be why.

    Where a row costs something, none is looked up that the verification has just met as its tenant's last.
    """
    met = {*_last_entries(report, since)} if rows.where.costs else set()
    left = [end for end in ends if (end.through, end.tenant, end.head) not in met]
    if not report.lacks_table:
        rows.at([end.through for end in left])  # of all at once
    found = [(end, _missed(end) if report.lacks_table else _if_lost(rows, end)) for end in left]
    return [end if lost is None else lost for end, lost in found if lost is not None or not report.intact]


def lost_end_of(where: Where, store: CheckpointStore, last: KeptVerdict | None) -> LostEnd | None:
    """Of what was verified `last`, and of the tenants that were gone through, whether an end is lost: for
    where nothing verifies it again. Of what did not hold nothing is looked for but whether the table is
    there. Reads a few rows. Raises the errors of `where.connect`.
    """
    kept = store.verdicts.ends(where)
    newest = sorted(kept.ends.items(), key=lambda item: item[1].through)
    ends, lost = dict(newest[-_MOST_LOOKED_FOR:]), None
    through = 0 if last is None else last.through
    if not (through or ends):
        return None
    with rows_of(where) as rows:
        there = has_chain(rows.database)
        if there and last is not None and not last.intact:
            return None
        ends_at = entry_and_last(rows.database, seq=through)[1] if there else 0
        if not there:
            found = [_lost_of(name, end, kept.ledger) for name, end in ends.items()]
        else:
            rows.at([through, *(end.through for end in ends.values())])
            found = _tenants_not_there(rows, ends, kept.ledger)
        if last is not None and through:
            end = LostEnd(through, last.at, last.head, ends_at, last.tenant, ledger=last.ledger)
            if not there:
                lost = _missed(end)
            elif end.head is not None or ends_at < through:
                lost = _if_lost(rows, end)
    lost = _with_others(lost, [replace(end, ends_at=ends_at) for end in found])
    return _named_another(where, kept, lost) if there else lost


def ends_to_watch(kept: KeptEnds, lost: LostEnd | None) -> list[KnownEntry]:
    """Of each tenant the last entry through which it was verified, for whoever looks at a database now and
    then: of one whose end was missed before, that of what was verified since, and none of those that are
    known to be `lost`.
    """
    told = frozenset() if lost is None else lost.tenants
    found = [
        (name, end.now, end.now_head, end.at) if end.missed else (name, end.through, end.head, end.at)
        for name, end in kept.ends.items()
    ]
    return [
        KnownEntry(name, seq, head, at)
        for name, seq, head, at in found
        if seq and head is not None and (name not in told or kept.ends[name].missed)
    ]


def lost_own_of(where: Where, store: CheckpointStore) -> tuple[list[LostEnd], list[OwnEntry]]:
    """Of the entries that were made here, those that are not there any more, and the others; by a few rows.
    Raises the errors of `where.connect`.
    """
    made = store.verdicts.own.all(where)
    if not made:
        return [], []
    with rows_of(where) as rows:
        lost = lost_own(rows, made, last_entry(rows.database)) if has_chain(rows.database) else []
    gone = {end.through for end in lost}
    return lost, [one for one in made if one.number not in gone]


def ends_looked_for(
    where: Where, store: CheckpointStore, last: KeptVerdict | None
) -> tuple[LostEnd | None, frozenset[str]]:
    """What is lost already, or by now, with whose else; and the tenants whose own ends are there. Raises the
    errors of `where.connect`.
    """
    kept, now = store.verdicts.ends(where), lost_end_of(where, store, last)
    if last is not None and not last.intact:
        return now, frozenset()
    newest = sorted(kept.ends, key=lambda name: kept.ends[name].through)
    there, lost = frozenset(newest[-_MOST_LOOKED_FOR:]), (last and last.lost_end) or now
    if lost is None or now is None or lost is now:
        return lost, there - (frozenset() if lost is None else lost.tenants)
    alone = replace(lost, others=())
    lost = replace(alone, others=tuple(sorted({*lost.others, *now.tenants} - alone.tenants)))
    return lost, there - lost.tenants


def shown_end(where: Where, store: CheckpointStore) -> LostEnd | None:
    """The end that is lost as it was told last; None where nothing told of one."""
    last, _ = store.verdicts.said_before(where)
    return None if last is None or not last.intact else last.lost_end


def require_end(where: Where, store: CheckpointStore) -> None:
    """Raises `NotAllowed` where the database has lost its end, or ends before what its newest checkpoint
    knows: for an act about which nobody is asked. Reads a few rows. Raises as `known_through`.
    """
    way = _ACCEPT_END
    last, _ = store.verdicts.said_before(where)
    known = None if last is None or not last.intact else last.lost_end
    lost_end = known or lost_end_of(where, store, last)
    lost_end = LostEnd.together([*lost_own_of(where, store)[0], lost_end])
    if lost_end is not None:
        was, why = f"was {lost_end.known}, and {lost_end.found}", lost_end.why
    else:
        with where.connect() as database:
            ends_at = last_entry(database) if has_chain(database) else 0
        through, way = store.known_through(where), _START_OVER
        if through <= ends_at:
            return
        was = f"ends at entry {ends_at:,}, and a checkpoint knows entry {through:,}"
        why = "An earlier state was brought back, or its end was cut off"
    raise NotAllowed(
        f"{where.name} {was}. {why}. What is recorded "
        f"now takes the number of an entry that was there, so nothing was changed. If you know why: {way}"
    )


def _if_lost(rows: ChainRows, end: LostEnd) -> LostEnd | None:
    """The same of chains that hold; None where that entry is not lost by `ChainRows.lost`: of an end that was
    missed before only where it is there as it was.

    It is looked up, which reads a row: what was verified last may have been there only
    since this scan began, or be gone since, and others may have its number, also one that was pruned.
    """
    known = end.tenant, end.through, end.head
    if rows.has(known) or not (end.missed or rows.lost([known], end.ledger)):
        return None
    return replace(_missed(end), is_other=rows.is_other(end.ledger))


def _missed(end: LostEnd) -> LostEnd:
    return replace(end, missed=True)
