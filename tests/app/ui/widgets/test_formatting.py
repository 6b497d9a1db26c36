"""Values as people read them."""

import time

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from app.services.text import counted, single_line, utc_time, visible
from app.ui.widgets import formatting as f
from models.errors import InvalidInput
from models.status import DAY

NOW = 1_795_000_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (47 * 3600, "47 h ago"),
        (48 * 3600, "2 d ago"),
        (13 * 86400, "13 d ago"),
        (14 * 86400, "2 wk ago"),
        (90 * 86400, "3 mo ago"),
        (800 * 86400, "2 y ago"),
        (-30, "soon"),
        (-14 * 3600, "in 14 h"),
    ],
)
def test_relative_time(seconds: int, words: str) -> None:
    assert f.relative_time(NOW - seconds, NOW) == words


def test_what_was_done_by_a_clock_that_was_ahead() -> None:
    said = [f.ago(at, NOW) for at in (NOW, NOW + 30, NOW + DAY)]
    assert said == ["just now", "just now", "by a clock that was ahead"]


def test_absolute_time() -> None:
    assert f.absolute_time(0, utc=True) == "1970-01-01 00:00:00 UTC"
    assert f.table_time(NOW, utc=True) == "2026-11-18 11:06:40"
    assert f.times_apart([NOW, NOW + DAY], utc=True) == ["2026-11-18 11:06", "2026-11-19 11:06"]
    assert f.times_apart([NOW, NOW + 1], utc=True) == ["2026-11-18 11:06:40", "2026-11-18 11:06:41"]
    assert f.times_apart([NOW, NOW + 365 * DAY], utc=True) == ["2026-11-18 11:06", "2027-11-18 11:06"]
    assert f.times_apart([NOW, 10**15], utc=True)[1] == f.table_time(10**15, utc=True)


@pytest.mark.parametrize("utc", [True, False])
def test_a_time_is_read_as_it_is_said(utc: bool) -> None:
    assert f.typed_time(f.absolute_time(NOW, utc), not utc) == NOW
    assert f.typed_time(f" {f.table_time(NOW, utc)[:16]}", utc) == NOW // 60 * 60
    assert f.typed_time("2026-11-22T13:55:07Z", utc) == f.typed_time("2026-11-22 14:55:07 +01:00", utc)
    assert [f.typed_time(text, utc) for text in ("", "now", "00010000-00000000-abcdef")] == [None] * 3


@pytest.mark.parametrize(("zone", "said"), [("UTC", "11:06:40 UTC"), ("Asia/Kolkata", "16:36:40 +0530")])
def test_local_time_names_its_offset(monkeypatch: pytest.MonkeyPatch, zone: str, said: str) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    assert f.absolute_time(NOW, utc=False) == f"2026-11-18 {said}"
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("at", [10**15, -(10**15), 2**63])
def test_time_beyond_the_calendar_is_a_number(at: int) -> None:
    assert f.absolute_time(at, utc=True) == f"{at:,} s"
    assert f.table_time(at, utc=False) == f"{at:,} s"


def test_numbers() -> None:
    assert f.grouped(184220) == "184,220"
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(1204, "entry", "entries") == "1,204 entries"
    assert counted(0, "user") == "0 users"
    assert f.percent(1, 3) == "33 %"
    assert f.percent(1, 0) == "0 %"
    assert f.percent(37, 1000) == "3.7 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.008, "8 ms"),
        (0.31, "0.31 s"),
        (12, "12 s"),
        (200, "3 min 20 s"),
        (1980, "33 min"),
        (7500, "2 h 5 min"),
        (356400, "4 d 3 h"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert f.duration(seconds) == words


def test_rate() -> None:
    assert f.rate(1_020_400, 1.0) == "1,020,000 rows/s"
    assert f.rate(5, 2.0, "files") == "2.5 files/s"
    assert f.how_far(1_500, 3_000, 1.0) == "1,500 of 3,000 · 1,500/s"
    assert f.how_far(25, 100, 10.0, of=40_000) == "10,000 of 40,000 · 1,000/s · 30 s left"
    assert f.how_far(100, 100, 10.0) == "100 of 100 · 10/s"
    assert f.rate(5, 0) == ""


@pytest.mark.parametrize(
    ("dollars", "words"),
    [
        (7.5, "$7.50"),
        (0.004, "$0.004"),
        (950, "$950"),
        (4500, "$4.5K"),
        (2_800_000, "$2.8M"),
        (999_999, "$1M"),
        (1.2e9, "$1.2B"),
        (9007199254740992.0, "$9,007.2T"),
        (-400_000, "-$400K"),
        (1e300, "$1.0e300"),
        (-2.5e18, "-$2.5e18"),
    ],
)
def test_money(dollars: float, words: str) -> None:
    assert f.money(dollars) == words


@pytest.mark.parametrize(
    ("stored", "words"), [(53, "53.0"), (7.25, "7.25"), (1e308, "1e+308"), (float("inf"), "∞"), (None, "")]
)
def test_score(stored: object, words: str) -> None:
    assert f.score(stored) == words


def test_shortened() -> None:
    assert f.shortened("9f3c" + "0" * 56 + "a1e7") == "9f3c…a1e7"
    assert f.shortened("short") == "short"
    assert f.shortened("123456789") == "123456789"
    assert f.shortened("1234567890") == "1234…7890"


def test_first_line() -> None:
    assert f.first_line("one\ntwo") == "one…"
    assert f.first_line("x" * 300, 10) == "x" * 10 + "…"
    assert f.first_line("whole") == "whole"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 漢字 🎉", "plain ü 漢字 🎉"),
        ("a\u202eb", r"a\u202eb"),
        ("a\u2066b\u200d", r"a\u2066b\u200d"),
        ("nul\0 bell\a tab\t", r"nul\0 bell\u0007 tab\t"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\U0001f3f4\U000e0070\U000e0061\U000e007f", "\U0001f3f4" + r"\U000e0070\U000e0061\U000e007f"),
        ("line\nbreak\u2028", r"line\nbreak\u2028"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_visible_can_keep_line_breaks() -> None:
    assert visible("a\nb\r", keep="\n") == "a\nb\\r"


def test_tooltip_is_never_markup() -> None:
    tip = f.tooltip('<img src="file:///etc/passwd">')
    assert "<img" not in tip
    assert "&lt;img" in tip
    assert f.tooltip("") == ""
    assert len(f.tooltip("x" * 10_000)) < 1100


def test_a_long_word_is_no_tool_tip_as_wide_as_the_screen(qtbot: QtBot) -> None:
    label = QLabel(f.tooltip("T" * 1000), wordWrap=True)  # as Qt shows a tool tip
    qtbot.addWidget(label)
    assert label.sizeHint().width() < 1000
    assert "\u200b" not in f.tooltip("a" * 64)  # a hash is one word


@pytest.mark.parametrize(
    "text",
    [
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian: a word of two parts
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",  # Sinhala: a joined letter
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family
        "\u2764\ufe0f\u200d\U0001f525",  # a heart on fire
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland's flag
    ],
)
def test_joiners_that_a_text_is_written_with_are_no_hidden_characters(text: str) -> None:
    assert visible(text) == text
    assert single_line("name", "The name", text, longest=50) == text


@pytest.mark.parametrize("text", ["pay\u200dpal", "a\u200c", "\u200d\u0645", "\u0645\u202e\u0645"])
def test_hidden_characters_elsewhere_are_shown_as_escapes(text: str) -> None:
    assert "\\u20" in visible(text)
    with pytest.raises(InvalidInput):
        single_line("name", "The name", text, longest=50)


def test_services_say_a_moment_in_the_same_style() -> None:
    assert utc_time(NOW) == "2026-11-18 11:06:40 UTC"
    assert utc_time(10**15) == "1,000,000,000,000,000 s"
