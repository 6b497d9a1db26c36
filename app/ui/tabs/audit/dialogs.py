"""What the audit tab opens: the checkpoints of the file, and the question which entries to verify; and the
way there from a question before an act, without leaving what waits for the answer.

And the proof of the selected entry for somebody else, asked for in the window.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget
from shiboken6 import isValid

from app.services.chain.cautions import Caution, EarlierState, WentBack
from app.services.chain.checkpoint import UNKNOWN, Checkpoint, Reason, Recognised
from app.services.chain.checkpoints.doubts import among_the_ways
from app.services.chain.checkpoints.signing import OPEN, Way, doors
from app.services.chain.evidence import GoingAlong, NotCovered, Proof, find_proof, going_along, write_proof
from app.services.chain.rules import HIGHEST_SEQ
from app.services.records.history import summary
from app.services.text import byte_size, counted, tenant_name, visible
from app.ui.session.busy import ReadingText
from app.ui.session.context import Context
from app.ui.session.lock import ask_to_read
from app.ui.session.outcome import Asked, Outcome, run
from app.ui.session.verdict_words import REASONS
from app.ui.tabs.audit.findings import allow, way_button
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Lines, push_button, set_kind
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.file_dialogs import ask_new_folder, ask_open, ask_save
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from app.ui.widgets.formatting import absolute_time, ago, grouped, shortened
from app.ui.widgets.labels import IconLabel, Label, Look, in_row
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.runner import Task
from app.workers.scan_pool import store_and_verifier
from models.errors import Cancelled, MuchToRead, TenantAdminError
from models.progress import Monitor

_NO_NUMBER = "Type the number of an entry, such as 1,200."
EXPORTS = "Checkpoints (*.json);;All files (*)"

_COLUMNS = (
    StaticColumn("Made"),
    StaticColumn("Number", right=True),
    StaticColumn("Why", dim=True),
    StaticColumn("Through entry", right=True),
    StaticColumn("Tenants", right=True),
    StaticColumn("Key", monospace=True, dim=True),
)
_BUTTONS = (
    ("Export…", Icon.EXPORT, "Write all of them to a file, to keep elsewhere"),
    ("Import…", Icon.IMPORT, "Take in what was exported elsewhere, and trust its key"),
    ("Check…", Icon.VERIFY, "Verify the database against an export"),
)
_EXPLANATION = (
    "A checkpoint says what every chain was at a moment, and is signed. A later verification finds from it "
    "what the chain alone cannot show: entries cut off, rewritten or put in place of others."
)
_DIFFERS = "If you know why the database differs:"
_LIMIT = (
    "Anyone who runs as the same user can sign. What protects against them is an export kept where others "
    "cannot change it. Whoever checks a report of yours needs the key, sent through a different channel; "
    "without it nothing proves who signed."
)


class CheckpointsDialog(Dialog):
    """Reads and writes in the background.

    `checked(outcome)` after the file was verified, against an export or for a checkpoint; `listed(number)`
    when the checkpoints are shown; `chain_wanted()` behind what speaks against another one.
    """

    checked = Signal(Outcome)
    chain_wanted = Signal()
    listed = Signal(int)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, "Checkpoints", _EXPLANATION, icon=Icon.ANCHOR, parent=parent)
        self.setMinimumWidth(780)
        self._context = context
        self._where, self._opened = context.opened.where, context.opened
        self._store, _ = store_and_verifier()
        self.table = StaticTable(context.theme, "Checkpoints", _COLUMNS, most=6, wide=2, giving=(5, 4))
        self.table.hide()
        self.state = Label("Reading…", Look.DIM, wrap=True)
        self.mark, self._said = IconLabel(context.theme, 20), QWidget()
        self.chain_button = push_button(context.theme, "Show the chain", self._show_chain)
        in_row(self.mark, (self.state, 1), self.chain_button, within=self._said)
        for part in (self.mark, self.chain_button):  # until one is refused
            part.hide()
        self.key = Label("", Look.DIM, wrap=True)
        self.key.hide()  # an empty line would be a hole
        theme = context.theme
        asks = (
            self._ask_export,
            lambda: self._ask_open("Import checkpoints", self.import_from),
            lambda: self._ask_open("Check against an export", self.check),
        )
        left = [
            push_button(theme, text, ask, icon=icon, tip=tip)
            for (text, icon, tip), ask in zip(_BUTTONS, asks, strict=True)
        ]
        self.export_button, self.import_button, self.check_button = left
        self.start_over_button = way_button(theme, Way.START_OVER, self.ask_start_over)
        self.another_button = way_button(theme, Way.ANOTHER_DATABASE, self.ask_another_database)
        self.make_button = way_button(theme, Way.SIGN, lambda: self.make(Reason.REQUEST), Kind.PRIMARY)
        self.make_button.setDefault(True)
        self.close_button = close = push_button(theme, "Close", self.reject)
        self._had_focus: QWidget | None = None
        ways = Lines()
        differs = Label(_DIFFERS, Look.DIM)
        ways.set_parts([differs, self.start_over_button, self.another_button], at_right=2)
        for widget in (self.table, self._said, ways, self.key, Label(_LIMIT, Look.DIM, wrap=True)):
            self.add_widget(widget)
        self.set_buttons([close, self.make_button], left=left)
        close.setFocus()
        self._job: Task | None = None
        self._closed = self._is_busy = False
        self._recognised = UNKNOWN
        self.finished.connect(self._end)
        context.verdict.changed.connect(self._allow_ways)
        self._read()

    def make(self, reason: Reason) -> None:
        def done(made: Outcome) -> None:
            self.checked.emit(made)
            if made.checkpoint is None:
                self._say(str(made.why_not), refused=True)
                self.chain_button.setFocus()
            else:
                self._read()

        accepted_by = self._context.settings.actor if reason is Reason.START_OVER else None
        self._check("Verifying and signing", Asked(reason=reason, accepted_by=accepted_by), done)

    def _say(self, text: str, *, refused: bool = False) -> None:
        is_broken = self._context.verdict.is_broken
        tone = Tone.BAD if is_broken else Tone.WARN
        self.state.setText(text)
        set_property(self.state, "look", tone.value if refused else Look.DIM.value)
        self.mark.show_icon(Icon.SHIELD_BAD if is_broken else Icon.WARNING_FILL, tone)
        self.chain_button.setText("Show findings" if is_broken else "Show the chain")
        self.chain_button.setAccessibleName(self.chain_button.text())
        for part in (self.mark, self.chain_button):
            part.setVisible(refused)
        if refused:
            announce(self.state, text)

    def _show_chain(self) -> None:
        self.accept()
        self.chain_wanted.emit()

    def ask_start_over(self) -> None:
        self._ask(
            Reason.START_OVER,
            "Start over?",
            "From now on the database is compared with a new checkpoint of its current content, not with the "
            "earlier ones. Do this when you know why it differs, for example because you replaced it with "
            "another copy yourself. Chain starts that nothing proves are accepted with it, in your name. The "
            "earlier checkpoints are kept, and exports of them still say what they knew.",
            "Start over",
        )

    def ask_another_database(self) -> None:
        self._ask(
            Reason.ANOTHER_DATABASE,
            "Is this another database?",
            "Use this for a copy that now differs on purpose, or for a different file at this path. It gets "
            "checkpoints of its own from its current content, or continues those of a known database whose "
            "entries it has. The checkpoints made so far are kept for the other database. From then on the "
            "two are not compared.",
            "It is another database",
        )

    def _ask(self, reason: Reason, title: str, sentence: str, action: str) -> None:
        """Makes a checkpoint for a reason that the person has to agree to."""
        dialog = ConfirmDialog(self._context.theme, title, sentence, action=action, parent=self)
        dialog.open_once(lambda: self.make(reason))

    def export(self, out: Path) -> None:
        self._run(
            "Exporting checkpoints…",
            lambda monitor: self._store.export(self._where, out),
            lambda count: self._say(f"{counted(count, 'checkpoint')} written to {out.name}."),
        )

    def import_from(self, source: Path) -> None:
        """Takes in an export, and trusts its key from then on."""
        now = self._context.clock()

        def done(count: int) -> None:
            self._read()
            self._say(f"{counted(count, 'new checkpoint')} imported from {source.name}.")

        self._run(
            "Importing checkpoints…",
            lambda monitor: self._store.import_(source, now=now, where=self._where),
            done,
        )

    def check(self, export: Path) -> None:
        """Verifies the file against an export, without taking it in."""

        def done(found: Outcome) -> None:
            self.checked.emit(found)
            self.accept()

        self._check(f"Verifying against {export.name}", Asked(export=export), done)

    def _check(self, text: str, asked: Asked, done: Callable[[Outcome], None]) -> None:
        words = ReadingText(text)
        work = partial(
            run,
            asked=asked,
            where=self._where,
            now=self._context.clock,
            by=self._context.settings.actor,
            on_cost=words.tell,
        )
        self._run(words, work, done, lambda much: self._check(text, replace(asked, most=much.most), done))

    def show_checkpoints(
        self,
        found: Sequence[Checkpoint],
        where: str,
        unreadable: Sequence[str] = (),
        recognised: Recognised = UNKNOWN,
        doubt: str = "",
    ) -> None:
        """Lists them, the newest first; `unreadable` names the rows of the store that cannot be read. What a
        person may say of the database hangs on its `recognised`; `doubt` is why somebody has to.
        """
        self._recognised = recognised
        self.key.say(where)
        self.table.show_rows([self._row(checkpoint) for checkpoint in reversed(found)])
        self.table.setVisible(bool(found))
        count = f"{counted(len(found), 'checkpoint')} of this database, the newest first."
        self._say(_with(doubt or (count if found else "There is none of this database yet."), unreadable))
        self._set_busy(False)
        self.listed.emit(len(found))

    def _row(self, checkpoint: Checkpoint) -> tuple[Cell, ...]:
        now, utc = self._context.clock(), self._context.settings.utc_times
        return (
            Cell(ago(checkpoint.at, now), checkpoint.at, tip=absolute_time(checkpoint.at, utc)),
            Cell(grouped(checkpoint.number), checkpoint.number),
            Cell(visible(REASONS.get(checkpoint.reason, checkpoint.reason))),
            Cell(
                grouped(checkpoint.last_seq),
                checkpoint.last_seq,
                tip=f"{counted(checkpoint.rows_ever, 'entry', 'entries')} ever, pruned ones counted",
            ),
            Cell(grouped(len(checkpoint.tenants)), len(checkpoint.tenants)),
            Cell(shortened(checkpoint.key, 6, 6), whole=checkpoint.key, tip=checkpoint.key),
        )

    def _read(self) -> None:
        def work(monitor: Monitor) -> tuple[object, ...]:
            found, known = self._store.checkpoints(self._where), self._store.known(self._where)
            where = self._store.where_key_is() if found else ""
            doubt = among_the_ways(" ".join(known.doubts)) if known.undecided else ""
            return found, where, self._store.unreadable(self._where), known.recognised, doubt

        self._run("Reading checkpoints…", work, lambda found: self.show_checkpoints(*found))

    def _run(
        self,
        text: str | Callable[[], str],
        work: Callable[[Monitor], object],
        done: Callable[..., None],
        agreed: Callable[[MuchToRead], None] = lambda much: None,
    ) -> None:
        self._set_busy(True)

        def finish(result: object) -> None:
            if not self._closed:
                self._set_busy(False)
                done(result)

        def failed(error: TenantAdminError) -> None:
            if not self._closed:
                self._set_busy(False)
                self._say("Cancelled." if isinstance(error, Cancelled) else str(error))
                if isinstance(error, MuchToRead):
                    ask_to_read(self._context.theme, error, partial(agreed, error), self)

        self._job = self._context.job(text, work, on_done=finish, on_failed=failed)

    def _end(self) -> None:
        """Closing ends what runs, and nothing of it arrives any more."""
        self._closed = True
        if self._job is not None:
            self._job.cancel()

    def _set_busy(self, busy: bool) -> None:
        """What was pressed has the focus again when its work has ended; meanwhile nothing has, as Qt would
        give it to "Close", and the next key would press that.
        """
        focused = self.focusWidget()
        if busy and isinstance(focused, QPushButton) and focused is not self.close_button:
            self._had_focus = focused
            focused.clearFocus()
        for button in (self.import_button, self.check_button):
            button.setEnabled(not busy)
        self.export_button.setEnabled(not busy and not self.table.isHidden())
        self._is_busy = busy
        self._allow_ways()
        if busy:
            self._say("Working…")
            return
        had, self._had_focus = self._had_focus, None
        if self.focusWidget() is None:
            (had if had is not None and had.isEnabled() else self.close_button).setFocus()

    def _allow_ways(self) -> None:
        verdict = self._context.verdict
        # What is likely refused is not what stands out.
        is_refused = verdict.is_broken or verdict.lost_end is not None
        set_kind(self.theme, self.make_button, Kind.SECONDARY if is_refused else Kind.PRIMARY, Icon.ADD)
        found = verdict.outcome
        is_of_now = found is not None and not (found.outdated and found.intact)
        why = doors(found.report if found is not None and is_of_now else None, self._recognised)
        focused = self.focusWidget()
        for way, button in (
            (Way.SIGN, self.make_button),
            (Way.START_OVER, self.start_over_button),
            (Way.ANOTHER_DATABASE, self.another_button),
        ):
            if button is focused and why[way] != OPEN and not self._is_busy:
                self.close_button.setFocus()  # Qt would give it to whatever comes next
            allow(button, way, why[way], busy=self._is_busy)

    def lead_to(self, way: Way) -> None:
        """Has the focus at the button of a way once it can be pressed."""
        buttons = {Way.START_OVER: self.start_over_button, Way.ANOTHER_DATABASE: self.another_button}
        self.listed.connect(lambda count: buttons.get(way, self.make_button).setFocus())

    def _ask_export(self) -> None:
        start = str(self._opened.folder / f"{self._opened.stem}.checkpoints.json")
        chosen = ask_save(self.theme, self, "Export checkpoints", start, EXPORTS)
        if chosen is not None:
            self.export(chosen[0])

    def _ask_open(self, title: str, use: Callable[[Path], None]) -> None:
        source = ask_open(self.theme, self, title, str(self._opened.folder), EXPORTS)
        if source is not None:
            use(source)


def _with(sentence: str, unreadable: Sequence[str]) -> str:
    if not unreadable:
        return sentence
    first = unreadable[0][0].upper() + unreadable[0][1:]
    more = f", and {len(unreadable) - 1:,} more," if len(unreadable) > 1 else ""
    return f"{sentence} {first}{more} cannot be read; the rest is used."


class VerifyRangeDialog(FormDialog):
    """`chain` is the first and the last entry there is, `filled` what the fields hold at first; None where
    there is no entry. With `tenant` both are this tenant's. Accepted, it gives the `ends()` to verify.
    """

    holds_work = False

    def __init__(
        self,
        theme: Theme,
        chain: tuple[int, int] | None,
        filled: tuple[int, int] | None,
        *,
        tenant: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        whose = "the entries of every tenant" if tenant is None else f"only the entries of {tenant}"
        super().__init__(
            theme,
            "Verify a range",
            f"Recomputes every hash and follows every link between two entries, both included: {whose}. "
            "The last entries known to checkpoints are compared; no checkpoint is made.",
            action="Verify",
            parent=parent,
        )
        self._chain = chain
        self.first, self.last = QLineEdit(), QLineEdit()
        for position, editor in enumerate((self.first, self.last)):
            editor.setText(grouped(filled[position]) if filled else "")
            editor.setInputMethodHints(Qt.InputMethodHint.ImhPreferNumbers)
        there = f"The chain has entries {grouped(chain[0])} to {grouped(chain[1])}." if chain else ""
        self.add_field("first", "From entry", self.first, self._check_first)
        self.add_field("last", "To entry", self.last, self._check_last, hint=there)
        # The last entry may be wrong, or right again, because the first one changed.
        self.first.textEdited.connect(lambda _: self._edited("last"))
        self.submitted.connect(self.accept)
        self.first.setFocus()
        self.first.selectAll()

    def _check_first(self, value: FieldValue) -> str:
        number = _number(value)
        if number is None:
            return _NO_NUMBER
        if self._chain is not None and number > self._chain[1]:
            return f"The last entry is {grouped(self._chain[1])}."
        return ""

    def _check_last(self, value: FieldValue) -> str:
        number, first = _number(value), _number(self.first.text())
        if self._chain is not None and number is not None and number < self._chain[0]:
            return f"The first entry is {grouped(self._chain[0])}."
        wrong = self._check_first(value)
        if not wrong and first is not None and number is not None and number < first:
            return f"This must be {grouped(first)} or a later entry."
        return wrong

    def ends(self) -> tuple[int, int]:
        """The first and the last entry, both included; what the fields hold has been checked."""
        return _number(self.first.text()) or 0, _number(self.last.text()) or 0


def _number(value: FieldValue) -> int | None:
    """What a person may write for a seq: digits, grouped as the table shows them or not."""
    text = "".join(str(value).replace(",", "").split())
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > len(str(HIGHEST_SEQ)):
        return None
    return int(text) if int(digits) <= HIGHEST_SEQ else None


def offer_way_out(question: ConfirmDialog, context: Context, caution: Caution) -> None:
    """Buttons in the question of an earlier state, which lead to where a person says that it went back, or of
    a file that it is another database; the act that waits is done as soon as that is no earlier state any
    more.
    """
    if not isinstance(caution, EarlierState):
        return

    def lead(way: Way) -> None:
        if not isValid(context):  # another file was opened behind the question
            question.reject()
            return
        box = CheckpointsDialog(context, question)

        def checked(outcome: Outcome) -> None:
            context.verdict.take(outcome)
            if not context.opened.database.is_earlier:
                box.accept()
                question.accept()
                context.agreed.forget(caution)

        box.checked.connect(checked)
        box.lead_to(way)
        box.open_once()

    ways = [Way.START_OVER, *([] if isinstance(caution, WentBack) else [Way.ANOTHER_DATABASE])]
    question.add_apart(*(way_button(context.theme, way, partial(lead, way)) for way in ways))


_CHARGED_FOR_EACH = 3
"""It is verified, and its size is read before it is written."""


Verify = Callable[[Callable[[Outcome], object]], object]
"""Verifies all chains, and tells what was found."""


def ask_proof(tab: RecordTab, verify: Verify) -> None:
    """Looks for a checkpoint that covers it first: where none does, nobody needs to choose a folder before
    `verify` has made one.
    """
    seq = tab.list.current_id()
    if isinstance(seq, int):
        _look(tab, verify, seq)


def _look(tab: RecordTab, verify: Verify, seq: int) -> None:
    store, _ = store_and_verifier()
    where = tab.context.opened.where

    def find(monitor: Monitor) -> tuple[Proof, GoingAlong | None]:
        proof = find_proof(where, store, seq)
        return proof, going_along(where, proof)

    tab.context.job(
        f"Looking for what proves entry {grouped(seq)}…",
        find,
        on_done=partial(_say_what_goes, tab),
        on_failed=partial(_say_why_not, tab, verify, seq),
        asks=True,
    )


def _say_what_goes(tab: RecordTab, found: tuple[Proof, GoingAlong | None]) -> None:
    """Whoever is given the proof reads the other entries as well: that is agreed to first."""
    proof, along = found
    if (proof.most if along is None else along.entries) < 2:
        _ask_folder(tab, proof)
        return
    tenant, number = tenant_name(proof.tenant), proof.checkpoint.number
    of_them = (
        f"Up to {counted(proof.most, 'entry', 'entries')} of {tenant}"
        if along is None
        else f"{counted(along.entries, 'entry', 'entries')} of {tenant}, {byte_size(along.size)} of payloads,"
    )
    at = absolute_time(proof.checkpoint.at, tab.context.settings.utc_times)
    sentence = (
        f"{of_them} can be read by whoever gets the proof: this entry and all later ones up to checkpoint "
        f"{number:,} of {at}, the nearest.\n\nEach hash is computed from its entry's payload and cannot be "
        "checked without it. A new checkpoint would be further away, since it always covers the last entry. "
        "To keep a proof small, verify all chains right after the entry is written."
    )
    ConfirmDialog(
        tab.context.theme,
        f"{of_them.split(' of ', 1)[0]} go along with the proof",
        sentence,
        action="Choose a folder…",
        danger=False,
        parent=tab,
    ).open_in_turn(partial(_ask_folder, tab, proof))


def _say_why_not(tab: RecordTab, verify: Verify, seq: int, error: TenantAdminError) -> None:
    if not isinstance(error, NotCovered):
        tab.context.runner.failed.emit(error)
        return

    def verified(outcome: Outcome) -> None:
        if outcome.checkpoint is not None:  # else the verdict says why
            _look(tab, verify, seq)

    dialog = ConfirmDialog(
        tab.context.theme, error.heading, str(error), action="Verify and export", danger=False, parent=tab
    )
    dialog.open_in_turn(partial(verify, verified))


def _ask_folder(tab: RecordTab, proof: Proof) -> None:
    opened = tab.context.opened
    start = opened.folder / f"{opened.stem} entry {proof.seq}"
    folder = ask_new_folder(
        tab.context.theme, tab, f"Export the proof of entry {grouped(proof.seq)} to a new folder", start
    )
    if folder is not None:
        rows = _CHARGED_FOR_EACH * proof.most
        tab.context.when_agreed(rows, partial(_write, tab, proof, folder), tab)


def _write(tab: RecordTab, proof: Proof, folder: Path) -> None:
    context = tab.context
    where, now, by = context.opened.where, context.clock, context.settings.actor

    def work(monitor: Monitor) -> int:
        write = partial(write_proof, where, *store_and_verifier(), proof, folder, in_words=summary)
        return write(now=now, by=by, monitor=monitor)

    context.job(
        f"Exporting the proof to {folder.name}…",
        work,
        on_done=lambda entries: context.say(f"{proof.said(entries)}: exported to {folder.name}", folder),
    )
