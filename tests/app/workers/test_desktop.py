"""A message on the desktop, by a bus that answers as a desktop's does."""

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from jeepney import HeaderFields, Message, MessageType, Parser, new_error, new_method_return

from app.workers.desktop import told_by_bus


class Desktop:
    """A session bus with one connection, which shows messages, or has nobody who does."""

    def __init__(self, path: Path, *, shows: bool) -> None:
        self.shown: list[tuple[Any, ...]] = []
        self.shows = shows
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        self._thread = Thread(target=self._serve)
        self._thread.start()

    def end(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        try:
            client, _ = self._listening.accept()
        except OSError:  # nobody came
            return
        with client:
            said = b""
            while not said.endswith(b"\r\n"):
                said += client.recv(1000)
            assert said.startswith(b"\0AUTH EXTERNAL ")
            client.sendall(b"OK 00\r\n")
            parser, serial = Parser(), 1
            assert client.recv(7) == b"BEGIN\r\n"
            while data := client.recv(4096):
                parser.add_data(data)
                while (asked := parser.get_next_message()) is not None:
                    client.sendall(self._answer(asked).serialise(serial=serial))
                    serial += 1

    def _answer(self, asked: Message) -> Message:
        assert asked.header.message_type is MessageType.method_call
        match asked.header.fields[HeaderFields.member]:
            case "Hello":
                return new_method_return(asked, "s", (":1.1",))
            case _ if not self.shows:
                return new_error(asked, "org.freedesktop.DBus.Error.ServiceUnknown")
            case "GetCapabilities":
                return new_method_return(asked, "as", (["body", "body-markup"],))
            case "Notify":
                self.shown.append(asked.body)
                return new_method_return(asked, "u", (1,))
        raise AssertionError(asked)


@pytest.fixture(params=[True, False])
def desktop(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desktop]:
    there = Desktop(tmp_path / "bus", shows=request.param)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
    yield there
    there.end()


def test_a_message_is_shown_where_the_bus_has_somebody_for_it(desktop: Desktop) -> None:
    told = told_by_bus("a.sqlite: audit chain broken", "1 finding. Entry 3 of <b>", "icon.png")
    assert told is desktop.shows and len(desktop.shown) == int(told)
    for name, replaces, icon, title, words, _, hints, _ in desktop.shown:
        assert (name, replaces, icon) == ("Tenant Admin", 0, "icon.png")
        assert (title, words) == ("a.sqlite: audit chain broken", "1 finding. Entry 3 of &lt;b&gt;")
        assert hints["urgency"] == ("y", 2)


@pytest.mark.parametrize(
    "address", ["", "unix:path=/nowhere/at/all", "nonsense", "unix:tmpdir=/tmp", "launchd:env=X"]
)
def test_where_there_is_no_bus_nothing_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert not told_by_bus("a title", "words", "")
