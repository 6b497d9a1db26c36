"""What the inspector says of one entry, on a real chain with real damage."""

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from app.itemmodels.columns import Tone
from app.services.chain.cautions import ClockOff
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd, Report, Section, TenantReport
from app.services.records.record import read_entry
from app.ui.session import verdict_words as said_of
from app.ui.session.outcome import Asked, Outcome
from app.ui.session.outdated import OTHERS
from app.ui.session.verdict import FileVerdict
from app.ui.session.verdict_words import headline
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import sign, verify
from tests.fixtures.connected import connected, execute
from tests.fixtures.sample import sample


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=60, tenants=1)


TENANT = TenantReport("acme", Verdict.CONSISTENT, 2, 11, 12, "e", None, 0)


def said(path: Path, seq: int) -> tuple[str, str, str]:
    """The words of both chips, and the sentence about the link."""
    with connected(path) as database:
        judged = read_entry(database, seq).inspection
    return (said_of.HASHES[judged.hash_ok][0], said_of.LINKS[judged.link][0], said_of.link_sentence(judged))


def test_a_sound_entry_follows_the_one_before(demo: Path) -> None:
    assert said(demo, 1) == ("fits its hash", "names the one before", "The first entry of this tenant.")
    assert said(demo, 2) == ("fits its hash", "names the one before", "Follows entry 1.")


def test_a_removed_entry_breaks_the_link_of_the_next(demo: Path) -> None:
    execute(demo, "DELETE FROM audit_chain WHERE seq = 30")
    sentence = "Does not follow entry 29, the one before it in this tenant."
    assert said(demo, 31) == ("fits its hash", "link broken", sentence)


def test_what_is_new_is_said_to_be_judged_by_another_clock_than_the_databases() -> None:
    said = ClockOff("d1:prod", 6 * 86_400).judged_by
    report = Report(Verdict.CONSISTENT, 2, 0.0, (), (), {}, notes=(said,), clock=said)
    verdict, outcome = FileVerdict(), Outcome(Asked(since=1), report, at=NOW)
    verdict.take(outcome)
    assert verdict.whole_stands
    for detail in (said_of.banner(outcome)[3], said_of.of_file(verdict, NOW, utc=True)[3]):
        assert said.rstrip(".") in detail


def test_so_is_a_range_and_what_is_there_of_a_chain_whose_end_is_lost() -> None:
    said = ClockOff("d1:prod", 6 * 86_400).judged_by
    report = Report(Verdict.CONSISTENT, 2, 0.0, (), (), {}, notes=(said,), clock=said)
    part = Outcome(Asked(Section(first=1, last=2)), report, at=NOW)
    assert f"the last entries that they knew · {said[:-1]}" in said_of.banner(part)[3]
    verdict = FileVerdict()
    verdict.take(Outcome(Asked(), replace(report, lost_end=LostEnd(9, NOW, None, 2)), at=NOW))
    assert verdict.lost_end is not None
    assert said_of.of_file(verdict, NOW, utc=True)[3].endswith(f" until you accept this end. {said}")


@pytest.mark.parametrize(
    ("lost", "is_seen"),
    [
        (LostEnd(9, NOW - 60, "a", 12), False),
        (LostEnd(12, NOW - 60, "b", 12), False),
        (LostEnd(12, NOW, "a", 12), True),
        (LostEnd(14, NOW + 5, "c", 14, known_by=" (User x created), made here"), True),
        (LostEnd(8, NOW, "d", 12, "acme", of_tenant=True), True),
        (LostEnd(8, NOW - 60, "d", 12, "acme", of_tenant=True), False),
    ],
)
def test_what_was_verified_before_an_end_went_says_nothing_of_what_is_there(
    lost: LostEnd, is_seen: bool
) -> None:
    verdict = FileVerdict()
    verdict.remember(
        KeptVerdict(Verdict.CONSISTENT, NOW, "mei", 9, 0, 0, through=12, head="a", lost_end=lost)
    )
    detail = said_of.of_file(verdict, NOW + 960, utc=True)[3]
    assert ("What is there holds as it stands, verified 16 min ago" in detail) is not is_seen
    assert ("Verify what is there, or accept this end" in detail) is is_seen


def test_where_an_end_is_lost_nothing_newer_is_said_to_hold() -> None:
    lost = LostEnd(9, NOW - 900, "d", 14, "acme", of_tenant=True)
    report = Report(Verdict.CONSISTENT, 2, 0.0, (), (TENANT,), lost_end=lost)
    heard, here, changed = FileVerdict(), FileVerdict(), FileVerdict()
    heard.remember(KeptVerdict(Verdict.CONSISTENT, NOW, "mei", 9, 0, 0, through=12, lost_end=lost))
    here.take(Outcome(Asked(), report, at=NOW))
    heard.count(2)
    here.count(2)
    for verdict in (heard, here):
        assert said_of.of_file(verdict, NOW + 300, utc=True)[3].startswith(
            "What is there through entry 12 holds as it stands, verified 5 min ago; 2 newer entries are not "
            "verified yet. It was cut out"
        )
    changed.take(Outcome(Asked(), report, at=NOW))
    changed.outdate(OTHERS)
    assert said_of.of_file(changed, NOW + 300, utc=True)[3].startswith(
        "What was there 5 min ago held as it stood, and was changed since. Verify it again. It was cut out"
    )


def test_a_start_without_a_marker_is_unproven(demo: Path) -> None:
    execute(demo, "DELETE FROM audit_chain WHERE seq <= 30")
    assert said(demo, 31)[1:] == ("start unproven", "Nothing in this database proves what came before it.")


def test_an_edited_entry_shows_a_wrong_hash(demo: Path) -> None:
    execute(demo, "UPDATE audit_chain SET payload = '{}' WHERE seq = 30")
    assert said(demo, 30)[0] == "hash wrong"


@pytest.mark.parametrize(
    ("entries", "since", "newer", "tone", "words"),
    [
        (4_000, None, 0, Tone.OK, "Chain verified"),
        (0, None, 0, Tone.NEUTRAL, "No entries to verify"),
        (0, 4, 0, Tone.NEUTRAL, "Nothing new since checkpoint 4"),
        (0, 4, 3, Tone.NEUTRAL, "3 entries not verified yet"),
        (0, 4, 1_001, Tone.NEUTRAL, "1,000+ entries not verified yet"),
        (1, 4, 0, Tone.OK, "Newest entry verified"),
        (2, 4, 0, Tone.OK, "Newest 2 entries verified"),
    ],
)
def test_a_verdict_says_of_what_it_is_and_of_nothing_none_is_green(
    entries: int, since: int | None, newer: int, tone: Tone, words: str
) -> None:
    sound = Report(Verdict.VERIFIED, entries, 0.0, (), ())
    broken, asked = replace(sound, verdict=Verdict.TAMPERED), replace(sound, undecided=True)
    assert headline(sound, since, newer)[:2] == (tone, words)
    assert headline(broken, since, newer)[:2] == (Tone.BAD, "Chain broken")
    assert headline(asked, since, newer)[:2] == (Tone.WARN, "Which database is this?")


@pytest.mark.parametrize(
    ("end", "head", "said"),
    [
        (62, "Earlier state — older than its latest checkpoint", "Between checkpoint 1 and checkpoint 2"),
        (60, "Earlier state — older than its latest checkpoint", "Exactly as checkpoint 1 knew it"),
        (50, "Chain broken — ", ""),
    ],
)
def test_an_earlier_state_is_called_as_the_command_calls_it(
    demo: Path, tmp_path: Path, end: int, head: str, said: str
) -> None:
    store, chain = tmp_path / "home", apsw.Connection(str(demo))
    for _ in range(2):
        sign(demo, store, now=NOW)
        chains.append(chain, "acme-corp", [NOW] * 4)
    chain.execute("DELETE FROM audit_chain WHERE seq > ?", (end,))
    chain.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit_chain'", (end,))
    report = verify(demo, store, now=NOW)
    tone, headline, rest, detail, _ = said_of.banner(Outcome(Asked(), report, at=NOW))
    assert tone is (Tone.WARN if said else Tone.BAD)
    assert f"{headline} {rest}".startswith(head) and said.lower() in detail.lower()
