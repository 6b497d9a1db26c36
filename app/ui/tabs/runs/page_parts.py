"""Parts of an opened run: why it is where it is, in words, its numbers, and what stands below the phases
beside its artifacts.
"""

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStackedLayout, QWidget

from app.services.records.history import CHARGED, PastEntry
from app.services.records.stored_times import epoch_of
from app.services.runs.run_search import TextPlace
from app.services.runs.run_timeline import ALL_ABOUT, RunNote, RunStory, RunTimeline, Spent, entry_behind
from app.services.text import counted, lasted, readable, shown_tenant, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.theme import Icon, Theme
from app.ui.widgets import formatting
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.markdown_view import MarkedText
from app.ui.widgets.panes import EmptyState, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.status import ReviewVerdict, RunStatus

FACTS: Final = 8
"""So many numbers are told of each run."""
_LONGEST = 300
_TIMES = ("", "once", "twice")
_UNKNOWN = "unknown"


class RunFact(NamedTuple):
    """One number: what it is, its value, and quieter what it counts in."""

    caption: str
    value: str
    unit: str = ""


def why(story: RunStory, timeline: RunTimeline, now: int, known: str = "") -> str:
    """One sentence on why the run is where it is; of what nobody wrote down nothing is said. `known` is the
    reason for its status where the entries about it were not read.
    """
    run, status = story.run, str(story.run["status"])
    told = entry_behind(story.entries or (), status)
    who = f" by {told.actor}" if told is not None and told.actor else ""
    said = told.said.get("reason") if told is not None and isinstance(told.said, dict) else known
    reason = f": {formatting.first_line(said, _LONGEST)}" if isinstance(said, str) and said else ""
    verdict = formatting.first_line(run.text("kill_verdict"), _LONGEST)
    at = "" if told is None else _ago(told.created_at, now)
    match status:
        case RunStatus.KILLED:
            because = reason or (f": {verdict}" if verdict not in ("", "kill") else "")
            because = because or (": the verdict of its test is “kill”" if verdict else "")
            found = f"it was killed{who}{at}{because}"
        case RunStatus.CANCELLED | RunStatus.COMPLETED | RunStatus.DELETED:
            known_of = f"{who}{at}{reason}"  # that it was is said by its status
            found = f"it was {status}{known_of}" if known_of else ""
        case RunStatus.PAUSED:
            is_known = told is not None or reason
            found = f"it was paused{who}{at}{reason}" if is_known else "it waits for approval"
        case _:
            resumed = told is not None and _is_since(told, timeline)
            parts = [f"it was resumed{who}{at}{reason}"] if resumed else []
            found = "; ".join(filter(None, (*parts, _going(timeline, now))))
    ends = "" if found.endswith((".", "!", "?", "…")) else "."
    return visible(f"{found}{ends}") if found else ""


def _is_since(told: PastEntry, timeline: RunTimeline) -> bool:
    """Whether nothing was stored of the run since the entry."""
    at = epoch_of(told.created_at)
    ends = (one.ended for line in timeline.phases for one in line.versions if one.ended is not None)
    return at is not None and at >= max(ends, default=0)


def _going(timeline: RunTimeline, now: int) -> str:
    line = timeline.current
    if line is None:
        return ""
    parts = []
    if line.newest is not None and line.newest.verdict == ReviewVerdict.APPROVED:
        return f"{line.phase} was approved"
    if line.sent_back:
        times = _TIMES[line.sent_back] if line.sent_back < len(_TIMES) else f"{line.sent_back} times"
        back = [one for one in line.versions if one.spent is Spent.SENT_BACK]
        score = formatting.score(back[-1].score)
        points = f" (score {score})" if score else ""
        parts.append(f"the review sent {line.phase} back {times}{points}")
    newest = line.newest
    if newest is not None and newest.spent is Spent.REJECTED:
        parts.append(f"the review rejected {line.phase}")
    if line.in_review and newest is not None:
        version = formatting.figure(newest.version)
        named = f"version {version}" if version else "its newest version"
        since = f" for {lasted(max(0, now - newest.ended))}" if newest.ended is not None else ""
        parts.append(f"{named} {'of ' + line.phase + ' ' if not parts else ''}has been in review{since}")
    elif not parts:
        begun = [span.began for span in line.spans[-1:] if span.spent is Spent.RUNNING]
        lasts = f" for {lasted(now - begun[0])}" if begun else ""
        parts.append(f"{line.phase} has been running{lasts}")
    return "; ".join(parts)


def _ago(stored: object, now: int) -> str:
    at = epoch_of(stored)
    return "" if at is None else f" {formatting.relative_time(at, now)}"


def facts(context: Context, story: RunStory, timeline: RunTimeline, full: float | None) -> list[RunFact]:
    """The numbers of a run, those that matter most first; `full` is the best score that there is, as far as
    that is known.
    """
    run, now = story.run, context.clock()
    score = formatting.score(run["quality_score"])
    revenue = run["revenue_potential"]
    known = len(timeline.phases)
    pivots = run["pivot_count"]
    at = ", ".join(dict.fromkeys(one.phase for one in timeline.pivots if one.phase))
    unknown = pivots - len(timeline.pivots) if type(pivots) is int and story.entries is not None else 0
    said = [f"at {at}"] if at else []
    said += [f"{unknown} not known when" if timeline.pivots else "not known when"] if unknown > 0 else []
    made, changed = epoch_of(run["created_at"]), epoch_of(run["updated_at"])
    ends = now if timeline.goes_on or timeline.waits else timeline.ended or changed
    ran = lasted(ends - made) if made is not None and ends is not None and ends >= made else _UNKNOWN
    found = [
        RunFact("Score", score or formatting.NOTHING, f"of {full:g}" if score and full is not None else ""),
        RunFact(
            "Revenue",
            formatting.money(revenue)
            if isinstance(revenue, int | float)
            else formatting.first_line(readable(revenue), 40) or formatting.NOTHING,
            "potential" if isinstance(revenue, int | float) else "",
        ),
        RunFact("Phases", f"{timeline.done} of {known}", "done")
        if story.artifacts is not None
        else RunFact("Phases", "missing", "no artifacts here"),
        RunFact("Pivots", formatting.figure(pivots) or formatting.NOTHING, ", ".join(said)),
        RunFact("Running for" if timeline.goes_on else "Age" if timeline.waits else "Ran for", ran),
        RunFact("Verdict", formatting.first_line(run.text("kill_verdict"), 24) or formatting.NOTHING),
        RunFact(
            "Updated",
            _UNKNOWN if changed is None else formatting.relative_time(changed, now),
            _changed_by(story, changed),
        ),
        RunFact("Last entry", *_last_entry(story, now)),
    ]
    return [RunFact(*map(visible, fact)) for fact in found]


_TOGETHER: Final = 5
"""Seconds between a change of a row and the entry about it, at most, where two programs write them."""


def _changed_by(story: RunStory, changed: int | None) -> str:
    """Who changed the row last, where an entry of that time says it."""
    for entry in story.entries or ():
        at = epoch_of(entry.created_at)
        if at is not None and changed is not None and abs(at - changed) <= _TOGETHER:
            return formatting.first_line(entry.actor, 24)
    return ""


def _last_entry(story: RunStory, now: int) -> tuple[str, str]:
    """When something about the run was recorded last, and what by whom."""
    if not story.entries:
        return formatting.NOTHING if story.entries is not None else "not read", ""
    last = story.entries[0]
    at = epoch_of(last.created_at)
    parts = (formatting.first_line(part, 24) for part in (last.event_type, last.actor))
    when = _UNKNOWN if at is None else formatting.relative_time(at, now)
    return when, " · ".join(filter(None, parts))


def about(context: Context, stored: object) -> tuple[str, str]:
    """How long ago something was, and when exactly."""
    at = epoch_of(stored)
    ago = readable(stored) if at is None else formatting.relative_time(at, context.clock())
    return visible(ago), declared.moment(context, stored)


def what_of(entry: PastEntry) -> str:
    """What an entry about a run says beside its type: of a workflow's the phase and what came of it."""
    said = entry.said if isinstance(entry.said, dict) else {}
    phase, score, took = (said.get(name) for name in ("phase", "score", "durationMs"))
    parts = [entry.what] if entry.what else []
    parts += [formatting.first_line(phase, 40)] if isinstance(phase, str) and phase else []
    parts += [f"score {formatting.score(score)}"] if isinstance(score, int | float) else []
    parts += [lasted(round(took / 1000))] if isinstance(took, int | float) and 0 <= took < inf else []
    return ", ".join(parts)


def looked_through(story: RunStory) -> str:
    """How much was found about a run."""
    if story.entries is None or story.notes is None:
        return ""
    newest = f", the newest {story.most:,} of each at most" if story.may_be_more else ""
    entries = counted(len(story.entries), "entry", "entries")
    return f"{entries}, {counted(len(story.notes), 'notification')}{newest}"


_ENTRIES = (StaticColumn("Entry"), StaticColumn("Who", dim=True), StaticColumn("When", dim=True))
_NOTES = (StaticColumn("Notification"), StaticColumn("Type", dim=True), StaticColumn("When", dim=True))
_BESIDE_NOTES = 10
"""Rows of entries that stand above notifications: the rest scrolls, so that these are near."""
_SHOWN_ABOVE = ("config", "status", "quality_score")


class KeptPart(QWidget):
    """The run's config and metadata as trees, and its fields."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        theme = context.theme
        self.config, self.metadata = JsonView(theme, "Config"), JsonView(theme, "Metadata")
        for view in (self.config, self.metadata):
            view.show_tree(True)
        self.fields = FieldList(theme)
        in_column(self.config, self.metadata, self.fields, None, within=self)

    def show_story(self, story: RunStory) -> None:
        run = story.run
        for view, stored in ((self.config, run["config"]), (self.metadata, run.unknown.get("metadata"))):
            view.setVisible(stored is not None)
            view.set_json(None if stored is None else str(stored))
        revenue = declared.amount(run["revenue_potential"])
        self.fields.set_fields(
            declared.fields(self._context, run, without=_SHOWN_ABOVE, revenue_potential=revenue)
        )


class AboutPart(QWidget):
    """Every entry and notification that names the run: what to do with the one that is opened, and how they
    are read where each is charged.
    """

    def __init__(
        self,
        context: Context,
        show_entry: Callable[[PastEntry], object],
        show_note: Callable[[RunNote], object],
        read: Callable[[], object],
        read_on: Callable[[], object],
    ) -> None:
        super().__init__()
        self._context, self._show_entry, self._show_note = context, show_entry, show_note
        self._entries: tuple[PastEntry, ...] = ()
        self._notes: tuple[RunNote, ...] = ()
        theme = context.theme
        self.entries = StaticTable(theme, "Entries about this run", _ENTRIES, most=None)
        self.notes = StaticTable(theme, "Notifications about this run", _NOTES, most=None)
        self.said = Label(look=Look.DIM, wrap=True)
        self.read_button = push_button(theme, "Read them", read, icon=Icon.HISTORY)
        self.older_button = push_button(theme, "Show older ones", read_on, icon=Icon.HISTORY)
        above = in_row((self.said, 1), self.older_button, self.read_button)
        self.empty = EmptyState(
            theme,
            Icon.HISTORY,
            "Nothing is said of it yet",
            "What is done to this run, here or by the platform, is recorded in the audit chain and stands"
            " here, as do the notifications that name it.",
        )
        in_column(above, self.entries, self.notes, self.empty, None, within=self)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.entries.opened.connect(self._open_entry)
        self.notes.opened.connect(self._open_note)

    def show_story(self, story: RunStory) -> None:
        had_focus = self.read_button.hasFocus() or self.older_button.hasFocus()
        self.read_button.setVisible(story.entries is None)
        self.older_button.setVisible(story.may_be_more and story.most < ALL_ABOUT)
        self.said.setText(self._said_of(story))
        self._entries, self._notes = story.entries or (), story.notes or ()
        self.entries.show_rows([self._entry(one) for one in self._entries])
        self.notes.show_rows([self._note(one) for one in self._notes])
        self.entries.set_most(_BESIDE_NOTES if self._notes else None)
        self.entries.setVisible(bool(self._entries))
        self.notes.setVisible(bool(self._notes))
        is_known = story.entries is not None and story.notes is not None
        self.empty.setVisible(is_known and not (self._entries or self._notes))
        if had_focus and self.read_button.isHidden() and self.older_button.isHidden():
            shown = (table for table in (self.entries, self.notes) if not table.isHidden())
            next(shown, self).setFocus(Qt.FocusReason.OtherFocusReason)

    def _said_of(self, story: RunStory) -> str:
        found = looked_through(story)
        if not self._context.costs:
            return found
        read = f"up to {2 * CHARGED:,} entries and notifications are read"
        read += self._context.charged(", and charged")
        return f"{found}. With each change here {read}, again." if found else f"For these {read}."

    def _entry(self, entry: PastEntry) -> tuple[Cell, ...]:
        kind, what = visible(entry.event_type), visible(what_of(entry))
        when, exactly = about(self._context, entry.created_at)
        said = f"{kind} · {what}" if what else kind
        tip = f"Entry {formatting.grouped(entry.seq)} of {shown_tenant(entry.tenant_id)}: {said}"
        return Cell(said, entry.seq, tip=tip), Cell(visible(entry.actor)), Cell(when, entry.seq, tip=exactly)

    def _note(self, note: RunNote) -> tuple[Cell, ...]:
        when, exactly = about(self._context, note.created_at)
        said = visible(formatting.first_line(note.message or note.title, 160))
        whole = visible(f"{note.title}\n{note.message}", keep="\n")
        kind = visible(formatting.first_line(note.type, 40))
        return Cell(said, tip=whole), Cell(kind), Cell(when, epoch_of(note.created_at), tip=exactly)

    def _open_entry(self) -> None:
        if rows := self.entries.selected_rows():
            self._show_entry(self._entries[self.entries.source_row(rows[0])])

    def _open_note(self) -> None:
        if rows := self.notes.selected_rows():
            self._show_note(self._notes[self.notes.source_row(rows[0])])


class FoundPart(QWidget):
    """A field of the run that has words which were looked for, with each of them marked."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.caption, self.text = Label(look=Look.DIM), MarkedText(theme)
        away = tool_button(theme, Icon.CLOSE, "Put away what was found", self.hide)
        in_column(in_row((self.caption, 1), away), self.text, within=self, spacing=2)
        self.hide()

    def show_place(self, text: str, place: TextPlace) -> None:
        """Where the words stand in it, as far as they still do."""
        self.caption.setText(f"Found in: {place.of.where}")
        self.text.setAccessibleName(self.caption.text())
        self.text.show_text(text, place.before, place.found)
        self.show()


class ShownStack(QStackedLayout):
    """The part of it that is shown says how much room it needs, none of the others."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.currentChanged.connect(lambda _: self.invalidate())

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        shown = self.currentWidget()
        least = self.minimumSize().height()
        return least if shown is None else max(least, shown.heightForWidth(width))

    def sizeHint(self) -> QSize:
        shown = self.currentWidget()
        return QSize() if shown is None else shown.sizeHint()

    def minimumSize(self) -> QSize:
        shown = self.currentWidget()
        return QSize() if shown is None else shown.minimumSizeHint().expandedTo(shown.minimumSize())


class FactLabel(QWidget):
    """A number with what it is above it."""

    def __init__(self) -> None:
        super().__init__()
        self._caption, self._value, self._unit = (
            Label(look=Look.DIM),
            Label(look=Look.STRONG),
            Label(look=Look.DIM),
        )
        line = in_row(self._value, self._unit, None, spacing=5)
        in_column(self._caption, line, within=self, spacing=1)

    def show_fact(self, fact: RunFact) -> None:
        self._caption.setText(fact.caption)
        self._value.setText(fact.value)
        self._unit.say(fact.unit)
        said = " ".join(filter(None, (fact.value, fact.unit)))
        self._value.setAccessibleName(f"{fact.caption}: {said}")
