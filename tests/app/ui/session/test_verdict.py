"""What is known of the chains of a file."""

from dataclasses import replace

from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Report
from app.ui.session.outcome import OTHERS, RETENTION, Asked, Outcome
from app.ui.session.verdict import FileVerdict
from tests.conftest import NOW


def test_a_failure_is_told_until_somebody_has_verified_since() -> None:
    """What was known when it failed says nothing of that, be it of the same second."""
    verdict, known = FileVerdict(), KeptVerdict(Verdict.VERIFIED, NOW, "ada", 9, 0, 0, 9)
    verdict.last = known
    verdict.fail("the disk is full", NOW)
    verdict.forget_failure(replace(known, at=NOW - 1, by="cron"))
    verdict.forget_failure(replace(known))
    assert verdict.failure == "the disk is full"
    verdict.forget_failure(replace(known, by="cron"))
    assert verdict.failure is None


def test_retention_that_took_nothing_is_not_said_to_have_taken_entries() -> None:
    verdict = FileVerdict()
    verdict.take(Outcome(Asked(), Report(Verdict.VERIFIED, 9, 0.0, (), (), {})))
    verdict.is_pruned = True
    verdict.outdate(OTHERS)
    assert verdict.outcome is not None and verdict.outcome.outdated == RETENTION, "as far as one knows"
    verdict.is_pruned = False
    verdict.spare()
    assert verdict.outcome.outdated == OTHERS
