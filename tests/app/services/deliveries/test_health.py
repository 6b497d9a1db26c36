"""How webhooks fare by what was sent to them last."""

from dataclasses import replace

import apsw
import pytest

from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog, Fares, Health, LogUnreadable, failing_of, health_of
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import Signing
from tests.conftest import NOW

WELL = DeliveryAnswer(DeliveryOutcome.ANSWERED, status=200, seconds=0.1)
ILL = replace(WELL, status=500)
LATE = DeliveryAnswer(DeliveryOutcome.TIMEOUT, seconds=15.0)
CANCELLED = DeliveryAnswer(DeliveryOutcome.CANCELLED)
NO_HOST = DeliveryAnswer(DeliveryOutcome.NO_HOST)
NO_NETWORK = DeliveryAnswer(DeliveryOutcome.NO_NETWORK)
REFUSED = DeliveryAnswer(DeliveryOutcome.REFUSED)


def send(log: DeliveryLog, answers: list[DeliveryAnswer], webhook: str = "wh_1", **of: str) -> None:
    url = "https://h.example/"
    to = Destination(webhook, of.get("tenant", "acme"), "CI", url, "h.example", "*", None)
    for number, answer in enumerate(answers):
        request = make(to, "run_killed", "{}", now=NOW + number)
        log.add(of.get("database", "db"), to, request, answer, signing=Signing.PLATFORM, days=30)


def one(log: DeliveryLog) -> Health:
    (found,) = health_of(log, "db").values()
    return found


@pytest.mark.parametrize(
    ("answers", "fares", "words", "sentence"),
    [
        ([WELL], Fares.WELL, "1 of 1", "The last delivery went well."),
        ([WELL] * 25, Fares.WELL, "20 of 20", "The last 20 deliveries all went well."),
        ([ILL, WELL, CANCELLED], Fares.UNEVEN, "1 of 2", "1 of the last 2 deliveries went well."),
        ([WELL, ILL], Fares.FAILING, "1 of 2 · 500", "The last delivery failed; the one before went well."),
        (
            [ILL, WELL, ILL, LATE],
            Fares.FAILING,
            "1 of 4 · timeout",
            "The last 2 deliveries failed; before that 1 of 2.",
        ),
        (
            [WELL, NO_HOST],
            Fares.FAILING,
            "1 of 2 · no host",
            "The last delivery failed; the one before went well.",
        ),
        ([WELL, NO_NETWORK, REFUSED], Fares.WELL, "1 of 1", "The last delivery went well."),
        ([ILL, CANCELLED], Fares.FAILING, "0 of 1 · 500", "The last delivery failed."),
        ([ILL] * 30, Fares.FAILING, "0 of 20 · 500", "The last 20 deliveries all failed."),
    ],
)
def test_it_is_told_by_the_last_of_them(
    answers: list[DeliveryAnswer], fares: Fares, words: str, sentence: str
) -> None:
    log = DeliveryLog()
    send(log, answers)
    found = one(log)
    assert (found.fares, found.words, found.sentence) == (fares, words, sentence)


def test_what_was_stopped_here_alone_tells_nothing_and_no_log_neither() -> None:
    log = DeliveryLog()
    assert health_of(log, "db") == {}
    send(log, [CANCELLED, NO_NETWORK, REFUSED])
    assert health_of(log, "db") == {}


def test_it_is_known_by_webhook_and_tenant_of_one_database() -> None:
    log = DeliveryLog()
    send(log, [WELL, ILL])
    send(log, [ILL, WELL], "wh_2")
    send(log, [ILL], "wh_3", tenant="globex")
    send(log, [ILL], "wh_4", database="another")
    found = health_of(log, "db")
    assert {key: one.fares for key, one in found.items()} == {
        ("acme", "wh_1"): Fares.FAILING,
        ("acme", "wh_2"): Fares.UNEVEN,
        ("globex", "wh_3"): Fares.FAILING,
    }
    assert failing_of(found) == {"wh_1", "wh_3"}
    assert set(health_of(log, "db", "globex")) == {("globex", "wh_3")}
    assert [one.at for one in found["acme", "wh_1"].attempts] == [NOW, NOW + 1]
    assert [one.at for one in found["acme", "wh_1"].failures] == [NOW + 1]


def test_a_row_that_nobody_could_have_written_is_left_out() -> None:
    log = DeliveryLog()
    send(log, [WELL, WELL])
    with apsw.Connection(str(log.path)) as other:
        other.execute("UPDATE deliveries SET took_ms = 'x' WHERE id = 1")
    assert one(log).words == "1 of 1"
    log.path.write_bytes(b"no database")
    with pytest.raises(LogUnreadable):
        health_of(log, "db")
