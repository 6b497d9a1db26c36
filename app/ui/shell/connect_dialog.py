"""The forms for a connection to a live D1 and for its token: what is entered is tried before it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget
from shiboken6 import isValid

from app.services.live import PREFIX, connecting
from app.services.live.connections import (
    CLOUDFLARE,
    COLOURS,
    ConnectionExists,
    Connections,
    NamedConnection,
    Tokens,
    default_colour,
    require_name,
    sound,
)
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.session.lock import UNLOCKED_SECONDS
from app.ui.theme import Icon, Theme
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Choice, push_button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import Checker, FieldValue, FormDialog, checked
from app.ui.widgets.formatting import duration
from app.ui.widgets.labels import Label, Look, set_tip
from app.ui.widgets.picker import ChoiceBox, Picker
from app.workers.runner import Runner, Task
from models.errors import Cancelled, InvalidInput, TenantAdminError, TokenRefused
from models.progress import Monitor

if TYPE_CHECKING:
    Found = tuple[Sequence[Mapping[str, Any]], NamedConnection | None, float | None, NamedConnection | None]

TEST_SECONDS = 15.0
"""How long each call of a test may take."""

_TO_LIST = "Press Test to list them."


class DatabasePicker(Picker):
    """The databases of an account, each found by any part of its name."""

    is_known = False
    """Whether the account has said which there are."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Database", "None chosen yet", search_hint="Search databases")

    def offer(self, names: Mapping[str, str]) -> None:
        """By id."""
        self.is_known = bool(names)
        self.set_choices([Choice(key, name) for key, name in names.items()])

    def currentData(self, role: int = Qt.ItemDataRole.UserRole) -> str:
        """The id of the one that is chosen; "" of none."""
        return self.key() or ""


class ConnectDialog(FormDialog):
    """Asks for a connection, or shows a kept one to be changed.

    "Test" asks the account for its databases, one of which is chosen then, and that for an answer; only what
    was tested is kept. `kept(place, problem)` when it is, with why the token is not, as a sentence, or "".
    One that is given another name has the old one no more.
    """

    kept = Signal(str, str)
    wanted = Signal(str)
    """A connection that is there already, to be opened."""

    def __init__(
        self,
        theme: Theme,
        runner: Runner,
        tokens: Callable[[], Tokens],
        connection: NamedConnection | None = None,
        parent: QWidget | None = None,
    ) -> None:
        title = "Connect to D1" if connection is None else f"Connection {connection.place}"
        self._project = "" if connection is None else connection.project
        sentence = f"The database of a running wrangler dev of {self._project}." if self._project else ""
        super().__init__(theme, title, sentence, action="Save and open", parent=parent)
        self._runner, self._tokens, self._before = runner, tokens, connection
        self._job: Task | None = None
        self._tested: NamedConnection | None = None
        self._colour_chosen = connection is not None
        self.name, self.account, self.token, self.address = (QLineEdit() for _ in range(4))
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.database, self.colour = DatabasePicker(theme), ChoiceBox()
        self.production = QCheckBox("Production")
        for colour in COLOURS:
            self.colour.addItem(colour.capitalize(), colour)
        self.add_field(
            "name", "Name", self.name, checked(require_name), "It is opened as d1:NAME, in commands too."
        )
        if not self._project:
            self._add_address()
        self.add_field("database", "Database", self.database, self._check_database, _TO_LIST)
        self.add_field("production", "Production", self.production)
        self.add_field("colour", "Colour", self.colour)
        set_tip(self.colour, "Of the strip that marks the window while this database is open")
        self._fill(connection)
        self.state = Label("", Look.DIM, wrap=True)
        self.state.hide()
        self.add_said(self.state)
        self.test_button = push_button(theme, "&Test", self.test, icon=Icon.CHECK)
        self.open_button = push_button(theme, "&Open it", self._open)
        self.open_button.hide()
        self.add_apart(self.test_button, self.open_button)
        self.name.textChanged.connect(self.open_button.hide)
        for edited in (self.account, self.token, self.address):
            edited.textChanged.connect(self._account_edited)
        self.database.picked.connect(self._untested)
        self.production.toggled.connect(self._production_toggled)
        self.colour.activated.connect(lambda _: setattr(self, "_colour_chosen", True))
        self.submitted.connect(self._save)
        self.finished.connect(lambda _: self._cancel())
        self.name.setFocus()

    def _add_address(self) -> None:
        """Where it is; a project's own server is looked for."""
        self.add_field(
            "account", "Account id", self.account, self._part("account"), "Empty for a wrangler dev."
        )
        self.add_field(
            "token",
            "API token",
            self.token,
            self._check_token,
            "With D1 Edit, or D1 Read to look only. "
            "The system's keyring keeps it, if there is one; no file does.",
        )
        self.address.setPlaceholderText(CLOUDFLARE)  # which an empty one stands for
        self.add_field("url", "API address", self.address, self._part("url"))

    def connection(self) -> NamedConnection:
        """What is entered. Raises `InvalidInput`, whose field says where."""
        chosen = self.database.currentData()
        return NamedConnection(
            self.name.text().strip(),
            self.account.text().strip(),
            chosen,
            self.database.currentText() if chosen else "",
            "" if self._project else self.address.text().strip() or CLOUDFLARE,
            self.production.isChecked(),
            str(self.colour.currentData()),
            self._project,
        )

    def _say(self, words: str) -> None:
        self.state.say(words)

    def test(self, *, then: Callable[[], None] | None = None) -> None:
        """Asks what was entered for an answer, in the background; `then` when it has given one."""
        for key in (None, "database"):  # which it asks for
            self.set_problem("", key)
        if self._job is not None:
            return
        asked = ("name", "account", "token", "url")
        wrong = [key for key in asked if key in self._entries and self._check(key)]
        if wrong:
            self.go_to(wrong[0])
            return
        connection, typed = self.connection(), self.token.text()
        before = self._before

        def work(monitor: Monitor) -> Found:
            given = self._tokens()
            if typed and not connection.is_local:
                given = Tokens(None)
                given.keep(connection, typed)
            client = connecting.client(connection, given)
            client.seconds = TEST_SECONDS
            try:
                found = connecting.databases(client)
                monitor.check()
                if not connection.database_id:
                    return found, None, None, None
                seconds = connecting.tried(connection, client)
                return found, connection, seconds, Connections().production_of(connection, before)
            finally:
                client.close()

        def done(found: Found) -> None:
            self._end_test()
            self._show_found(*found)
            if then is not None and self._tested is not None:
                then()

        def failed(error: TenantAdminError) -> None:
            self._end_test()
            self._say("")
            if isinstance(error, TokenRefused) and "token" in self._entries:
                self.set_problem(str(error), "token")
                self.go_to("token")  # what is typed next can be read elsewhere
            elif not isinstance(error, Cancelled):
                self.show_error(error)

        self._say("Asking…")
        self.test_button.setEnabled(False)
        self.action_button.setEnabled(False)
        self._job = self._runner.job(work, on_done=done, on_failed=failed)

    def _show_found(
        self,
        found: Sequence[Mapping[str, Any]],
        tested: NamedConnection | None,
        seconds: float | None,
        marked: NamedConnection | None,
    ) -> None:
        """`marked` is another connection to the same database that is marked as production."""
        chosen = self.database.key()
        names = {str(one.get("uuid")): str(one.get("name") or one.get("uuid")) for one in found}
        self.database.offer(names)
        self.database.set_key(chosen if chosen in names else None)
        there = counted(len(names), "database")
        self.set_hint(f"{there}; type a part of one to find it." if len(names) > 1 else _TO_LIST, "database")
        if tested is not None and seconds is not None:
            self._tested = tested
            said = f"{self.database.currentText()} answers in {duration(seconds)}."
            if marked is not None and not tested.production:
                self.production.setChecked(True)
                self.set_clean("production", "colour")  # nobody would miss what nobody has chosen
                self._tested = self.connection()
                said += (
                    f" It is the database of {marked.place}, which is marked as production: so is this one."
                )
            self._say(said)
        elif len(names) == 1:
            self.database.pick(next(iter(names)))
            self.test()
        else:
            self._say(f"There {'is' if len(names) == 1 else 'are'} {there}. Choose one.")
            self.database.setEnabled(bool(names))
            self.go_to("database")

    def _end_test(self) -> None:
        self._job = None
        self.test_button.setEnabled(True)
        self.action_button.setEnabled(True)

    def _cancel(self) -> None:
        self.token.clear()
        if self._job is not None:
            self._job.cancel()

    def _save(self) -> None:
        connection = self.connection()
        if self._tested != connection:
            self.test(then=self._keep)
        else:
            self._keep()

    def _keep(self) -> None:
        connection, typed, before = self.connection(), self.token.text(), self._before

        def work(monitor: Monitor) -> str:
            kept, problem = Connections(), None
            others = kept.keep(connection, before)
            if typed and not connection.is_local:
                problem = self._tokens().keep(connection, typed)
            if before is not None and kept.file(before.name) != kept.file(connection.name):
                problem = problem or self._tokens().forget(before)
            return ". ".join(filter(None, (problem, others)))

        def done(problem: str) -> None:
            self.set_busy(False)
            self.set_clean()
            self.accept()
            self.kept.emit(connection.place, problem)

        def failed(error: TenantAdminError) -> None:
            self.set_busy(False)
            if not isinstance(error, ConnectionExists):
                self.show_error(error)
                return
            self.set_problem(str(error), "name")
            announce(self, str(error))
            self.open_button.show()
            self.go_to("name")

        self.set_busy(True)
        self._runner.job(work, on_done=done, on_failed=failed)

    def _open(self) -> None:
        self.set_clean()
        self.reject()
        self.wanted.emit(PREFIX + self.name.text().strip())

    def _fill(self, connection: NamedConnection | None) -> None:
        self.address.setText(CLOUDFLARE if connection is None else connection.base)
        if connection is not None:
            self.name.setText(connection.name)
            self.account.setText(connection.account)
            self.production.setChecked(connection.production)
            self.database.offer({connection.database_id: connection.database})
            self.database.set_key(connection.database_id)
        colour = default_colour(production=False) if connection is None else connection.colour
        self.colour.setCurrentIndex(self.colour.findData(colour))
        self.token.setPlaceholderText("" if connection is None else "Leave empty to keep the stored one")
        self.set_clean()

    def _account_edited(self) -> None:
        """Another account has other databases."""
        self.database.offer({})
        self.database.set_key(None)
        self.set_hint(_TO_LIST, "database")
        self._untested()

    def _untested(self, _: object = None) -> None:
        self._tested = None
        self._say("")

    def _production_toggled(self, on: bool) -> None:
        is_mark = self.colour.currentData() != default_colour(production=False)
        if not self._colour_chosen or (on and not is_mark):
            self.colour.setCurrentIndex(self.colour.findData(default_colour(production=on)))

    def _part(self, field: str) -> Checker:
        """Checks one field by what makes no connection of all that is entered, once there is a name."""

        def sentence(value: FieldValue) -> str:
            if self.name.text().strip():
                try:
                    self.connection()
                except InvalidInput as error:
                    return str(error) if error.field == field else ""
            return ""

        return sentence

    def _check_token(self, value: FieldValue) -> str:
        return checked(sound)(value) if value else ""

    def _check_database(self, value: FieldValue) -> str:
        first = "Choose a database." if self.database.is_known else "Press Test, then choose a database."
        return "" if self.database.currentData() else first


class TokenDialog(FormDialog):
    """Asks for the token of a connection, and says `why`."""

    holds_work = False  # a token can be copied again
    of_opened = False
    """Whether it is that of what is open, which may be taken meanwhile: another program can replace it."""

    def __init__(
        self, theme: Theme, connection: NamedConnection, why: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, f"Token of {connection.place}", why, action="Go on", parent=parent)
        self.token = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        hint = f"The system's keyring keeps it, if there is one; no file does. Account {connection.account}."
        self.add_field("token", "API token", self.token, checked(sound), hint)
        self.submitted.connect(self.accept)
        self.token.setFocus()

    def withdraw(self) -> None:
        if self.of_opened and not self.token.text():
            self.reject()

    def take_token(self) -> str:
        """What was entered, which is nowhere else any more."""
        token = self.token.text()
        self.token.clear()
        return token


_RUNS_THEN = "Data retention, which runs daily here, is due: it begins as soon as they are unlocked."


_EARLIER = (
    "This is an earlier state of what was known here, or another line of entries: what is recorded now goes "
    "on from it. You are asked again before the first act."
)


class UnlockDialog(ConfirmDialog):
    """Asks for a database's name before its writes are unlocked. `runs_then` says that data retention, to
    which a person has agreed, begins at once; how many rows it reads is said as soon as that is known.
    """

    def __init__(self, context: Context, parent: QWidget, *, runs_then: bool) -> None:
        opened, minutes = context.opened, UNLOCKED_SECONDS // 60
        super().__init__(
            context.theme,
            "Unlock writes?",
            f"{opened.whole_place}. What is changed here is changed there at once, for everybody who works "
            f"with it. After {counted(minutes, 'minute')} writes are locked again.",
            action=f"Unlock for {counted(minutes, 'minute')}",
            typed=opened.unlocked_by or "",
            parent=parent,
        )
        if opened.database.is_earlier:
            lost = context.verdict.lost_end
            gone = "" if lost is None else f"It was {lost.known}, and {lost.found}. "
            self.earlier = Label(f"{gone}{_EARLIER}", Look.WARN, wrap=True)
            self.add_widget(self.earlier)
        self.then = Label(f"{_RUNS_THEN} How many rows it reads is looked up.", wrap=True)
        self.then.setVisible(runs_then)
        self.add_widget(self.then)

    def say_reads(self, rows: int | None) -> None:
        """None where that cannot be known."""
        known = "" if rows is None else f"It reads {counted(rows, 'row')} at most."
        if isValid(self):
            self.then.setText(f"{_RUNS_THEN} {known or 'How many rows it reads is not known.'}")
