"""What is known of the chains of a file."""

from dataclasses import replace

from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.headlines import LOST_END
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd, Report
from app.ui.session.outcome import Asked, Outcome
from app.ui.session.outdated import OTHERS, RETENTION
from app.ui.session.verdict import FileVerdict
from app.ui.session.verdict_words import of_file
from tests.conftest import NOW


def test_a_failure_is_told_until_somebody_has_verified_since() -> None:
    """What was known when it failed says nothing of that, be it of the same second."""
    verdict, known = FileVerdict(), KeptVerdict(Verdict.VERIFIED, NOW, "ada", 9, 0, 0, 9)
    verdict.remember(known)
    verdict.fail("the disk is full", NOW)
    verdict.forget_failure(replace(known, at=NOW - 1, by="cron"))
    verdict.forget_failure(replace(known))
    assert verdict.failure == "the disk is full"
    verdict.forget_failure(replace(known, by="cron"))
    assert verdict.failure is None


def test_retention_that_took_nothing_is_not_said_to_have_taken_entries() -> None:
    verdict = FileVerdict()
    verdict.take(Outcome(Asked(), Report(Verdict.VERIFIED, 9, 0.0, (), (), {})))
    verdict.begin_pruning()
    verdict.outdate(OTHERS)
    assert verdict.outcome is not None and verdict.outcome.outdated == RETENTION, "as far as one knows"
    verdict.end_pruning(took_nothing=True)
    assert verdict.outcome.outdated == OTHERS


def test_an_end_that_is_there_again_leaves_no_words_of_its_loss() -> None:
    verdict, lost = FileVerdict(), LostEnd(9, NOW, "ab", 7)
    report = Report(Verdict.VERIFIED, 7, 0.0, (), (), {}).with_lost_end(lost, "more")
    verdict.take(Outcome(Asked(), report, at=NOW))
    assert of_file(verdict, NOW, utc=True)[1] == LOST_END
    other = FileVerdict()
    other.take(Outcome(Asked(), replace(report, lost_end=replace(lost, is_other=True)), at=NOW))
    _, head, rest, detail, _ = of_file(other, NOW, utc=True)
    assert (head, rest) == (
        "Another database",
        "— verified through entry 9, and another database is there now",
    )
    assert "Another database was put in its place, or made there" in detail
    verdict.came_forward()
    assert verdict.outcome is not None and verdict.outcome.report.notes == ("more",)
    assert verdict.lost_end is None and of_file(verdict, NOW, utc=True)[1] == "Chain verified"


def test_whoever_goes_on_from_an_earlier_state_takes_numbers_that_were_there() -> None:
    """Whoever has found that it is one; what was said when the file was open before tells nothing of now."""
    verdict, sound = FileVerdict(), KeptVerdict(Verdict.VERIFIED, NOW, "ada", 9, 0, 0, 9, head="ab")
    verdict.remember(replace(sound, verdict=Verdict.EARLIER))
    assert verdict.is_earlier is None
    verdict.hear(sound)
    assert verdict.is_earlier is False and verdict.held(9) and not verdict.held(10)
    verdict.went_back(7, NOW)
    assert (
        verdict.is_earlier
        and verdict.lost_end == LostEnd(9, NOW, "ab", 7, missed=True)
        and not verdict.held(3)
    )
    verdict.hear(replace(sound, verdict=Verdict.TAMPERED, at=NOW + 1, ends_before=True, through=7))
    assert verdict.is_earlier and verdict.lost_end is None and verdict.is_broken, "a command has verified it"
    verdict.hear(replace(sound, at=NOW + 2))
    assert verdict.is_earlier is False and verdict.lost_end is None
    verdict.take(Outcome(Asked(), Report(Verdict.EARLIER, 7, 0.0, (), (), {}), at=NOW + 3))
    assert verdict.is_earlier
    verdict.take(Outcome(Asked(), Report(Verdict.CONSISTENT, 7, 0.0, (), (), {}), at=NOW + 4))
    assert verdict.is_earlier is False
    verdict.went_back(12, NOW + 5)
    assert verdict.is_earlier is None, "checkpoints may know more"
    verdict.contradict(NOW + 6)
    verdict.hear(replace(sound, at=NOW + 6))
    assert verdict.is_earlier and verdict.is_contradicted, "what was signed before it was taken away"
    verdict.hear(replace(sound, at=NOW + 7))
    assert verdict.is_earlier is False and not verdict.is_contradicted
