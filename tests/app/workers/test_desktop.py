"""A message on the desktop, by a bus that answers as a desktop's does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.workers.desktop import bus_tells, told_by_bus
from tests.fixtures.desktop import Desktop


@pytest.fixture(params=[True, False])
def desktop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desktop]:
    there = Desktop(tmp_path / "bus", shows=request.param)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
    yield there
    there.end()


def test_a_message_is_shown_where_the_bus_has_somebody_for_it(desktop: Desktop) -> None:
    told = told_by_bus("a.sqlite: audit chain broken", "1 finding. Entry 3 of <b>", "icon.png", urgent=True)
    assert told is desktop.shows and len(desktop.shown) == int(told)
    for name, replaces, icon, title, words, _, hints, _ in desktop.shown:
        assert (name, replaces, icon) == ("Tenant Admin", 0, "icon.png")
        assert (title, words) == ("a.sqlite: audit chain broken", "1 finding. Entry 3 of &lt;b&gt;")
        assert hints["urgency"] == ("y", 2)


def test_whether_anybody_shows_messages_is_asked_without_one(desktop: Desktop) -> None:
    assert bus_tells() is desktop.shows and not desktop.shown


@pytest.mark.parametrize(
    "address", ["", "unix:path=/nowhere/at/all", "nonsense", "unix:tmpdir=/tmp", "launchd:env=X"]
)
def test_where_there_is_no_bus_nothing_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert not told_by_bus("a title", "words", "", urgent=False) and not bus_tells()
