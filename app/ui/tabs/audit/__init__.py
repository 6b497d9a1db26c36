"""A tenant's audit chain, and whether it holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Row
from app.services.chain.reading import Link
from app.services.chain.verify.report import Report, Section
from app.services.records.history import actor_of, summary
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys
from app.services.records.record import AuditDetail, read_entry
from app.services.records.stored_times import epoch_of
from app.services.records.tables import AUDIT_CHAIN, EVERYONE, Scope
from app.services.text import counted, readable, shown_tenant
from app.ui.session import verdict_words
from app.ui.session.outcome import Asked, LinkCell, Outcome, State
from app.ui.tabs.audit.dialogs import VerifyRangeDialog
from app.ui.tabs.audit.findings import FindingsPane
from app.ui.tabs.audit.go_to import ChainSteps, Names
from app.ui.tabs.audit.panel import VerificationPanel
from app.ui.tabs.audit.timeline import OverTime
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import AUDIT_TAB
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Icon, Kind, Tone
from app.ui.widgets import formatting
from app.ui.widgets.actions import ActionSpec, ButtonIn
from app.ui.widgets.buttons import SplitButton, push_button, set_words
from app.ui.widgets.file_dialogs import choose_folder
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.panes import GAP, LOW, Field
from app.ui.widgets.tab_pages import height_of
from models.engine import Database

CHAIN, WHOLE, SELECTED = "verify", "verify_whole", "verify_selected"
RANGE, ARCHIVE = "verify_range", "verify_archive"
_MORE = "Other ways to verify, checkpoints and the report"
ACCEPT, CHECKPOINTS, REPORT = "accept_start", "checkpoints", "report"
GO_TO, OF_ACTOR, BEFORE, BEHIND, PROOF = "go_to", "of_actor", "previous", "next", "proof"
_SHORT = {
    CHAIN: "Verify",
    ACCEPT: "Accept…",
    REPORT: "Report…",
    SELECTED: "Verify",
    BEFORE: "Prev",
    BEHIND: "Next",
}

_ROOM, _ROOM_WITH_FINDINGS, _ROOM_FOR_BARS, _ROOM_FOR_BARS_BESIDE_FINDINGS = 480, 600, 270, 400
_CLOSE = 8
"""Rows that are charged for each entry where days are counted: in the list, and twice, as they are sorted."""

_EVENT_TYPE = AUDIT_CHAIN.names.index("event_type")
_SUMMARY_HINT = "A summary of the payload. Copy, filter and export use the payload itself."

Ends = tuple[int, int]
"""The first and the last seq of a range, both included."""


class AuditTab(RecordTab):
    """The chain's entries, filters, the payload of one, and the verdict over all."""

    spec = AUDIT_TAB
    _listed_beside: Report | None = None
    _history = ""
    _seq: int | None = None
    """Of the entry that was shown last: one that is read again is not one that a person goes to."""

    def special_columns(self) -> declared.Special:
        self.names = Names(self)
        return {
            "tenant_id": {"dim": False},
            "payload": {
                "title": "Summary",
                "text": self._line,
                "tooltip": _payload,
                "hint": _SUMMARY_HINT,
                "sortable": False,  # by the payload's text, which is not what is shown
            },
            "previous_hash": {
                "text": lambda value, row: self._link_cell(row[0])[0],
                "icon": lambda value, row: self._link_cell(row[0])[1],
                "tone": lambda value, row: self._link_cell(row[0])[2],
                "tooltip": lambda value, row: self._link_cell(row[0])[3],
                "sortable": False,
                "monospace": False,
            },
        }

    def top_widgets(self) -> Sequence[QWidget]:
        chain, accept, checkpoints, report = map(self.commands.button, (CHAIN, ACCEPT, CHECKPOINTS, REPORT))
        self.verify_split = verify = SplitButton(self.context.theme, chain, _MORE)
        self.panel.add_buttons(accept, checkpoints, report, verify, chain)
        self.banner, self.findings, self.verify_button = self.panel.banner, self.panel.findings, chain
        whole = [WHOLE] if self.context.costs else []
        ways = (CHAIN, *whole, SELECTED, RANGE, ARCHIVE)
        self.commands.fill(verify.menu, (*ways, "", CHECKPOINTS, REPORT))  # with words in a small window, too
        return (self.panel,)

    def listen(self) -> None:
        super().listen()
        self.list.loaded.connect(lambda total: self.over_time.count_few(total, self.read_beside))
        self.panel.changed.connect(self._look_again)
        self.panel.verified.connect(self._go_to_first)
        self.panel.chosen.connect(self._show_finding)
        self.panel.again_wanted.connect(self.verify)
        self.panel.chain_wanted.connect(self.show_findings)

    def _lay_out_below(self) -> None:
        """The findings stand at the foot: they come when a verification ends that nobody may have asked for,
        and what a person is about to click stays where it is.
        """
        super()._lay_out_below()
        self.way_button = push_button(self.context.theme, "Findings", self.show_findings, icon=Icon.WARNING)
        self.way_button.hide()
        self.filters.add_trailing(self.way_button)
        self.column.addWidget(self.findings)
        self.findings.raise_()

    def below_filters(self) -> Sequence[QWidget]:
        self.over_time = OverTime(self)
        self.timeline = self.over_time.timeline
        return (self.timeline,)

    def read_beside(self, query: ListQuery) -> None:
        self.over_time.read(query, self.panel.outcome)

    def build_inspector(self) -> None:
        from app.ui.tabs.audit.go_to import MentionsPart  # noqa: PLC0415 - rows show before

        self._moment = Label(look=Look.DIM, wrap=True, selectable=True, caption="Time")
        self._summary = Label(wrap=True, selectable=True, caption="Summary")
        self.inspector.add_widget(self._moment)
        self._payload = JsonView(self.context.theme)
        self.inspector.add_widget(self._summary)
        self.inspector.add_widget(self._payload)
        self.mentions = MentionsPart(self)
        self.mentions.known.connect(self._name_them)
        self.inspector.add_widget(self.mentions)
        self.inspector.add_widget(self.fields)
        link, states = self.model.column_of("previous_hash"), [state.value[0] for state in State]
        self.table.columns.set_widest(link, states)
        self.table.columns.set_short(link, states)
        self.table.clicked.connect(lambda _: self.pane.show_entry())

    def load(self, database: Database, record_id: Any) -> AuditDetail:
        return read_entry(database, record_id, accepted=self._is_accepted(record_id))

    def show_details(self, record: AuditDetail) -> None:
        entry, judged = record.entry, record.inspection
        number = formatting.figure(entry["seq"])
        self.inspector.set_header(
            entry.text("event_type"),
            f"entry {number} · {declared.whose(entry)}",
            verdict_words.HASHES[judged.hash_ok],
            verdict_words.LINKS[judged.link],
        )
        self._moment.setText(self._words_of_time(entry["created_at"]))
        said = summary(entry["event_type"], entry["payload"])
        self._summary.setText(said or "")
        self._summary.setVisible(said is not None)
        self._payload.set_json(entry.text("payload"))
        self.mentions.show_of(entry.text("payload"))
        names = 0 if self.mentions.isHidden() else 2  # lines with the names that are still to come
        self._summary.setMinimumHeight(names * self._summary.fontMetrics().lineSpacing())
        hashes = (
            ("Previous", entry.text("previous_hash"), Tone.NEUTRAL),
            ("Hash", entry.text("hash"), Tone.NEUTRAL),
            ("Recomputed", judged.recomputed, Tone.NEUTRAL if judged.hash_ok else Tone.BAD),
        )
        self.fields.set_fields(
            [
                *(Field(name, of, mono=True, tone=tone) for name, of, tone in hashes),
                Field("Link", verdict_words.link_sentence(judged), can_copy=False),
                *(Field("Problem", problem, tone=Tone.BAD) for problem in judged.problems[:1]),
                *declared.unknown_fields(entry),
            ]
        )
        if not judged.holds:
            self.context.verdict.met.emit(Section(judged.tenant, judged.seq, judged.seq))
        if self.table.hasFocus() and judged.seq not in (self.findings.chosen_seq, self._seq):
            self.pane.show_entry()
        self._seq = judged.seq

    def _name_them(self, known: Mapping[str, str]) -> None:
        """In the line of what was done, once it is known what they are called."""
        self.names.learn(dict(known))
        record: AuditDetail | None = self.current.whole()
        if record is not None:
            self._summary.setText(summary(record.entry["event_type"], record.entry["payload"], known) or "")

    def show_findings(self) -> None:
        """Shows them, where there are some, in a small window in the place of the entry, and has the keyboard
        there: at the first one, unless one is chosen already or what the person filters by would go.
        """
        if self._listed_beside is not None:
            self.pane.show_findings()
            self.fold(False)
        if self.findings.table.isVisible():
            if not (self.query().filtered or self.findings.table.chosen().isValid()):
                self.findings.go_to_first(self.scope.tenant_id)
            self.findings.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_acts_of_many(self) -> None:
        self.pane.show_entry()

    def open_record(self) -> None:
        self.pane.show_entry()
        super().open_record()

    def _words_of_time(self, stored: Any) -> str:
        at = epoch_of(stored)
        return (
            readable(stored) if at is None else formatting.absolute_time(at, self.context.settings.utc_times)
        )

    def add_acts(self) -> None:
        self.panel = panel = VerificationPanel(self.context, self)
        self.verified = panel.verified
        idle, part = panel.refuse_verify, panel.refuse_part
        there = partial(self.context.without, AUDIT_CHAIN.name)
        if self.context.costs:
            words_of_it = "Verify from the first entry on…"
            self.commands.add(ActionSpec(WHOLE, words_of_it, Icon.VERIFY, self.ask_whole, idle))
        steps = ChainSteps(self)
        for name, text, icon, run, refusal in (
            (CHAIN, self._verify_words, Icon.VERIFY, self.verify, idle),
            (SELECTED, self._selected_words, Icon.CHECK, self.verify_selected, self._refuse_selected),
            (RANGE, "", Icon.LINK, self.ask_range, part),
            (ARCHIVE, "", Icon.ARCHIVE, self.ask_archive, part),
            (BEFORE, "", Icon.CARET_LEFT, partial(steps.go, behind=False), steps.refuse),
            (BEHIND, "", Icon.CARET_RIGHT, partial(steps.go, behind=True), steps.refuse),
            (OF_ACTOR, self._actor_words, Icon.FILTER, self._keep_actor, self._refuse_actor),
            (GO_TO, "", Icon.SEARCH, self.ask_go_to, there),
            (PROOF, "Export proof of this entry…", Icon.SIGNATURE, self.ask_proof, steps.refuse),
            (ACCEPT, panel.accept_words, Icon.CHECK, panel.ask_accept, panel.refuse_accept),
            (CHECKPOINTS, "Checkpoints…", Icon.ANCHOR, panel.open_checkpoints, idle),
            (REPORT, "Export report…", Icon.EXPORT, panel.ask_report, panel.refuse_report),
        ):
            kind = Kind.PRIMARY if name == CHAIN else Kind.SECONDARY
            place = ButtonIn.INSPECTOR if name in (SELECTED, BEFORE, BEHIND) else ButtonIn.MENU
            short = _SHORT.get(name, "")
            spec = partial(ActionSpec, name, text, icon, run, refusal, kind=kind, button_in=place)
            self.commands.add(spec(short=short))
        self.commands.divide_before(BEFORE, PROOF)

    def place_of_inspector(self) -> QWidget:
        self.pane = FindingsPane(super().place_of_inspector())
        return self.pane

    def beside(self) -> QWidget:
        self.pane.hold(self.inspector)
        return self.pane

    def fold_as_chosen(self) -> None:
        if self._listed_beside is None:
            super().fold_as_chosen()

    def fold(self, folded: bool) -> None:
        super().fold(folded)
        self._show_way()

    def _show_way(self) -> None:
        """To findings that are folded away with what stands beside the entries."""
        set_words(self.way_button, f"Findings {self.findings.count:,}")
        self.way_button.setAccessibleName(f"Show {counted(self.findings.count, 'finding')}")
        self.way_button.setVisible(self._listed_beside is not None and self._master_detail.is_folded)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        """The table comes first where the window is low; where it is small, findings share the inspector's
        place, which opens for them.
        """
        high = height_of(self)
        self.column.setSpacing(GAP if high >= _ROOM else _CLOSE)
        self.timeline.set_low(high < _ROOM)
        self.findings.table.set_low(high < LOW)
        small = self.is_narrow or high < _ROOM_WITH_FINDINGS
        listed = self.panel.outcome.report if small and self.findings.count and self.panel.outcome else None
        needed = _ROOM_FOR_BARS if listed is None else _ROOM_FOR_BARS_BESIDE_FINDINGS
        self.timeline.set_room(high >= needed)
        if listed is self._listed_beside:
            return
        self._listed_beside = listed
        if listed is None:
            self.column.addWidget(self.findings)
            self.panel.list_apart()
            self.pane.let_go()
            self.fold_as_chosen()
        else:
            self.pane.take(self.findings)
            self.fold(False)
        self._show_way()

    def about_record(self) -> Sequence[QWidget]:
        return (*super().about_record(), self.findings)

    def show_history(self, record_id: str) -> None:
        self._history = record_id
        self.set_filter_text(record_id)

    def no_match(self) -> tuple[str, str]:
        if self.query().text and self.query().text == self._history:
            return "Nothing recorded", "No entry of the audit chain names this record."
        return super().no_match()

    def none_there(self) -> tuple[str, str]:
        """Nothing was there only where nothing is known that is gone."""
        verdict, tenant = self.context.verdict, self.scope.tenant_id
        if not verdict.is_missing(tenant):
            return super().none_there()
        whose = "" if tenant is None else f" of {shown_tenant(tenant)}"
        return (
            f"No entry{whose} is left",
            "All that were known are gone: what was found says how many. Restore them from a copy (File "
            "menu), or, where you know why, say so above.",
        )

    def set_scope(self, scope: Scope) -> None:
        if scope != self.scope:
            self.panel.turn_to(scope.tenant_id)
        super().set_scope(scope)

    def changed_outside(self) -> None:
        super().changed_outside()
        self.names.forget()
        self.panel.outdate()

    def stop(self) -> None:
        self.panel.cancel()
        super().stop()

    def _verify_words(self) -> str:
        """What holds up to a checkpoint is verified from there on, where each row that is read is charged."""
        known = self.context.verdict.outcome
        made = known is not None and known.intact and (known.checkpoint or known.asked.since)
        new_alone = self.context.costs and self.scope == EVERYONE and made
        return "Verify what is new" if new_alone else "Verify chain"

    def _selected_words(self) -> str:
        return "Verify this entry" if self.list.selected_count() == 1 else "Verify these entries"

    def verify(self, archive: Path | None = None) -> None:
        """Verifies the chains in scope as one with their archive, here or where retention keeps it.

        Where each row that is read costs something, all chains are verified from the latest checkpoint on.
        """
        if self.context.costs and self.scope == EVERYONE and archive is None:
            self.verify_all()
        else:
            self.verify_whole(archive)

    def verify_all(self) -> None:
        """The chains of all tenants, whatever is in scope; where each row that is read is charged, from the
        latest checkpoint on.
        """
        costs = self.context.costs
        self.panel.start(Asked(new_alone=True) if costs else Asked(archive=self._known_archive()))

    def verify_to_sign(self, then: Callable[[Outcome], object]) -> None:
        """All of them from their first entries on: only then is a checkpoint made. `then` hears of it."""
        self.panel.start(Asked(archive=self._known_archive()), then)

    def verify_whole(self, archive: Path | None = None) -> None:
        self.panel.start(Asked(Section(self.scope.tenant_id), archive=archive or self._known_archive()))

    def ask_whole(self) -> None:
        """Asks first, also where little is read: it is chosen for what it costs more."""
        self.panel.start(Asked(Section(self.scope.tenant_id), archive=self._known_archive(), most=0))

    def verify_range(self, first: int, last: int) -> None:
        """Verifies the entries in scope between two seqs, both included, alone."""
        self.panel.start(Asked(Section(self.scope.tenant_id, first, last)))

    def verify_selected(self) -> None:
        ends = self._selected_ends()
        if ends is not None:
            self.verify_range(*ends)

    def ask_range(self) -> None:
        """Asks for a range: the selected entries at first, else those that the filters keep."""
        selected = self._selected_ends() if self.list.selected_count() > 1 else None
        lists, query = self.context.lists, replace(self.query(), sort=None)
        chain = ListQuery(self.spec.table.name, self.scope, as_added=query.as_added)
        reads_kept = selected is None and query.filtered and not query.as_added

        def work(database: Any) -> tuple[Ends | None, Ends | None]:
            all_of_it = _ends(lists.load_keys(database, chain))
            kept = _ends(lists.load_keys(database, query)) if reads_kept else None
            return all_of_it, selected or kept or all_of_it

        self.context.runner.read(work, on_done=lambda found: self._open_range_dialog(*found))

    def _open_range_dialog(self, chain: Ends | None, filled: Ends | None) -> None:
        tenant = self.scope.tenant_id
        dialog = VerifyRangeDialog(self.context.theme, chain, filled, tenant=tenant, parent=self)
        dialog.open_once(lambda: self.verify_range(*dialog.ends()))

    def ask_archive(self) -> None:
        """Begins where retention keeps it, or beside the file."""
        file = self.context.opened.file
        beside = None if file is None else file.parent
        start = self._known_archive() or beside
        choose_folder(self.context.theme, self, "Verify with an archive", start, self.verify)

    def _known_archive(self) -> Path | None:
        return self.context.settings.retention_archive.get(self.context.opened.kept_by)

    def _selected_ends(self) -> Ends | None:
        _, keys = self.list.selected_keys()
        return (min(keys), max(keys)) if len(keys) and isinstance(keys[0], int) else None

    def _refuse_selected(self) -> str | None:
        if (gone := self.selection.refusal_of_gone()) is not None:
            return gone
        return self.panel.refuse_part() if self.list.selected_count() else "Select the entries first."

    def _go_to_first(self, report: Report) -> None:
        """Goes to what is wrong in what was verified, unless the person is at an entry already; what they
        filter by stays.
        """
        first = self.findings.first_of(self.scope.tenant_id)
        if first is None or first not in report.findings or self.table.selectionModel().hasSelection():
            return
        if self.query().filtered:
            where = "The first finding" if first.seq is None else f"Entry {formatting.grouped(first.seq)}"
            said = f"{where} is not among the rows shown. Choose it in the list of findings to go to it."
            self.list.jump(first.seq, on_missing=partial(self.context.say, said))
        else:
            self.findings.go_to_first(self.scope.tenant_id)

    def _show_finding(self, seq: object) -> None:
        self._show_entry(seq, self.findings.tenant_of(seq))

    def _actor(self) -> str | None:
        shown: AuditDetail | None = self.current.whole()
        return None if shown is None else actor_of(shown.entry["payload"])

    def _actor_words(self) -> str:
        actor = self._actor()
        return (
            "Show what this actor did"
            if actor is None
            else f"Show what {formatting.first_line(actor, 40)} did"
        )

    def _refuse_actor(self) -> str | None:
        if self.current.whole() is None:
            return self.selection.refusal_of_gone() or "Select one entry first."
        return None if self._actor() is not None else "The payload does not say who acted."

    def _keep_actor(self) -> None:
        actor = self._actor()
        if actor is not None:
            self.filter_by("actor", actor)

    def ask_go_to(self) -> None:
        from app.ui.tabs.audit.go_to import GoToDialog  # noqa: PLC0415 - few ask for it

        dialog = GoToDialog(self.context, self)
        dialog.found.connect(self._go_to)
        dialog.open_once()

    def ask_proof(self) -> None:
        from app.ui.tabs.audit.dialogs import ask_proof  # noqa: PLC0415 - few ask for it

        ask_proof(self, self.verify_to_sign)

    def _go_to(self, seq: object, tenant: str) -> None:
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_entry(seq, tenant)

    def _show_entry(self, seq: object, tenant: str | None) -> None:
        if self.scope.tenant_id not in (None, tenant):
            self.everyone_wanted.emit()
        self.show_record(seq)

    def _look_again(self) -> None:
        """What is known of the entries, or what can be done, is another."""
        self.over_time.mark(self.panel.outcome)
        self.say_none_there()
        self._share_room()
        self.model.repaint()
        shown: AuditDetail | None = self.current.whole()
        if shown is not None:
            judged = shown.inspection
            if self._is_accepted(judged.seq) != (judged.link is Link.ACCEPTED):
                self.current.reload()
        self.commands.update()

    def _is_accepted(self, seq: int) -> bool:
        return self.panel.outcome is not None and self.panel.outcome.is_accepted_start(seq)

    def _line(self, value: Any, row: Row) -> str:
        return self.names.line(row[_EVENT_TYPE], value) or formatting.first_line(readable(value))

    def _link_cell(self, seq: Any) -> LinkCell:
        state = self.panel.state(seq) if isinstance(seq, int) else State.UNCHECKED
        return cast("LinkCell", state.value)


def _payload(value: Any, row: Row) -> str:
    return readable(value)


def _ends(keys: Keys) -> Ends | None:
    """The first and the last of keys in the table's own order, which is that of their seqs."""
    ends = [key for key in (*keys[:1], *keys[-1:]) if isinstance(key, int)]  # none WITHOUT ROWID
    return (min(ends), max(ends)) if ends else None
