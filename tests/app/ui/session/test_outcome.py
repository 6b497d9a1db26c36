"""What a verification says of each entry."""

import pytest

from app.services.chain.rules import Code, Finding, Verdict
from app.services.chain.verify.report import Report, TenantReport
from app.ui.session.outcome import Asked, Outcome, State


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        ((), State.HOLDS),
        ((Code.TRUNCATED,), State.NAMED),
        ((Code.ARCHIVE,), State.NAMED),
        ((Code.CHECKPOINT, Code.INDEX), State.NAMED),
        ((Code.LINK,), State.BROKEN),
        ((Code.TRUNCATED, Code.LINK), State.BROKEN),
        ((Code.HASH,), State.CHANGED),
        ((Code.UNREADABLE,), State.BROKEN),
    ],
)
def test_an_entry_is_called_broken_for_what_is_wrong_with_it_alone(
    codes: tuple[Code, ...], state: State
) -> None:
    found = tuple(Finding(code, "acme", 5, None, None, "Something.") for code in codes)
    tenant = TenantReport("acme", Verdict.TAMPERED, 9, 1, 9, "a" * 64, None, 0)
    report = Report(Verdict.TAMPERED, 9, 0.0, found, (tenant,), {})
    assert Outcome(Asked(), report).state(5) is state
