"""What all runs say together, as charts: drawn here, shown, read out and exported by a dialog."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import ceil, log10
from pathlib import Path
from typing import Final

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QWidget

from app.itemmodels.columns import Column
from app.services.records.tables import PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.services.runs import run_views
from app.services.runs.run_views import RunFigures, RunPoint, Spread
from app.services.runs.statuses import STATUSES
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.runs.phase_scores import score_tone
from app.ui.theme import Icon
from app.ui.widgets import formatting
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Choice, push_button
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.drawing import (
    Align,
    Chart,
    Drawing,
    DrawnArea,
    DrawnLine,
    DrawnPoint,
    DrawnText,
    Fill,
    Form,
    Frame,
    Shape,
    Spot,
    ticks,
)
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.labels import Label, Look, in_row
from app.ui.widgets.later import later
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.export import save
from app.workers.runner import Task
from models.errors import TenantAdminError
from models.progress import Monitor
from models.status import DAY, HOUR, RunStatus

_OPENED = QSize(1080, 720)
_EXPORTED = 1120, 630
_TOP, _RIGHT, _BOTTOM, _GAP, _ROW, _LEAST_ROW = 18.0, 24.0, 34.0, 12.0, 30.0, 14.0
_MEDIAN = "Median"
_MINUTE, _NEARLY_ALL, _FAR = 60.0, 85, 100
_ENDS = 12, 11
"""Characters of a long name that are shown: phases may differ at their end alone."""
_WEEK, _BAR = 240.0, 56.0
"""How wide a week is at most, and its bar."""
_LEAST = 4
"""Rows of a table that takes what room there is, and scrolls."""
_MOST_ROWS: Final = 500
"""Of the table of points, which is laid out at once; more are in the list of runs itself."""

_OLDER = "As it was when it was read; close and open the charts to read it again."
_FILLS = {
    RunStatus.RUNNING: ("accent", Fill.SOLID),
    RunStatus.ACTIVE: ("accent", Fill.SOLID),
    RunStatus.PAUSED: ("warn", Fill.HOLLOW),
    RunStatus.COMPLETED: ("ok", Fill.SOLID),
    RunStatus.KILLED: ("bad", Fill.HATCHED),
    RunStatus.CANCELLED: ("dim", Fill.HATCHED),
    RunStatus.DELETED: ("dim", Fill.HOLLOW),
}
_FORMS = {
    RunStatus.RUNNING: ("accent", Form.DIAMOND),
    RunStatus.ACTIVE: ("accent", Form.DIAMOND),
    RunStatus.PAUSED: ("warn", Form.SQUARE),
    RunStatus.COMPLETED: ("ok", Form.CIRCLE),
    RunStatus.KILLED: ("bad", Form.CROSS),
    RunStatus.CANCELLED: ("dim", Form.TRIANGLE),
    RunStatus.DELETED: ("dim", Form.RING),
}
"""How a status looks; each differs from the others without its colour, too."""

Measure = Callable[[str], float]
"""How wide a text of a drawing is."""


def _known(status: str) -> RunStatus | None:
    return RunStatus(status) if status in map(str, RunStatus) else None


def _fill(status: str) -> tuple[str, Fill]:
    known = _known(status)
    return ("edge", Fill.SOLID) if known is None else _FILLS[known]


def _form(status: str) -> tuple[str, Form]:
    known = _known(status)
    return ("text", Form.RING) if known is None else _FORMS[known]


def _in_order(statuses: Sequence[str]) -> list[str]:
    known = [str(RunStatus.ACTIVE), *STATUSES]
    return sorted(statuses, key=lambda one: (known.index(one) if one in known else len(known), one))


def _named(name: str) -> str:
    return visible(formatting.shortened(formatting.first_line(name), *_ENDS)) or "no status"


@dataclass(frozen=True, slots=True)
class SpreadScale:
    """How values are written, where between 0 and 1 each is, its colour, and which places have words."""

    value: Callable[[float], str]
    place: Callable[[float], float]
    colour: Callable[[float], str]
    marks: Sequence[tuple[float, str]]


def draw_spreads(
    spreads: Sequence[Spread], scale: SpreadScale, measure: Measure, *, width: float, height: float
) -> Drawing:
    """A line for each phase: from the least to the greatest, a box around the middle half, and the median."""
    value, place, colour = scale.value, scale.place, scale.colour
    above = _TOP + 14
    there = max(1, int((height - above - _BOTTOM) / _LEAST_ROW))
    more = len(spreads) - there + 1 if len(spreads) > there else 0
    spreads = spreads[: len(spreads) - more]
    if not spreads:
        return Drawing(width, height, [], [])
    left = 8 + max(measure(_named(one.phase)) for one in spreads) + _GAP
    right = width - _RIGHT - max(measure(_MEDIAN), *(measure(value(one.middle)) for one in spreads)) - _GAP
    row = min(_ROW, (height - above - _BOTTOM) / (len(spreads) + bool(more)))
    bottom = above + row * len(spreads)
    shapes: list[Shape] = []
    free = -width
    for at, words in scale.marks:
        x = left + at * (right - left)
        shapes.append(DrawnLine(x, above, x, bottom + 4, "line"))
        if x - measure(words) / 2 > free:
            shapes.append(DrawnText(x, bottom + 16, words, "dim", Align.AROUND))
            free = x + measure(words) / 2 + _GAP
    if more:
        said = f"and {counted(more, 'phase')} more: as table"
        shapes.append(DrawnText(left, bottom + 16 + row, said, "dim"))
    shapes.append(DrawnText(width - _RIGHT, _TOP, _MEDIAN, "dim", Align.BEFORE))
    spots = []
    for position, one in enumerate(spreads):
        y = above + row * (position + 0.5)
        low, quarter, middle, three, high = (
            left + place(number) * (right - left)
            for number in (one.low, one.quarter, one.middle, one.three_quarters, one.high)
        )
        tall = min(14.0, row * 0.6)
        tone = colour(one.middle)
        shapes.append(DrawnText(left - _GAP, y, _named(one.phase), "text", Align.BEFORE))
        shapes.append(DrawnLine(low, y, high, y, "dim"))
        shapes.extend(DrawnLine(end, y - tall / 4, end, y + tall / 4, "dim") for end in (low, high))
        shapes.append(DrawnArea(quarter, y - tall / 2, max(2, three - quarter), tall, f"{tone}_on"))
        shapes.append(DrawnArea(quarter, y - tall / 2, max(2, three - quarter), tall, tone, Fill.HOLLOW))
        shapes.append(DrawnLine(middle, y - tall / 2, middle, y + tall / 2, tone, 3))
        shapes.append(DrawnText(width - _RIGHT, y, value(one.middle), "text", Align.BEFORE, is_bold=True))
        spots.append(Spot(low - 4, y - row / 2 + 2, high - low + 8, row - 4, _spread_words(one, value)))
    return Drawing(width, height, shapes, spots)


def _spread_words(one: Spread, value: Callable[[float], str]) -> str:
    half = f"the middle half {value(one.quarter)} to {value(one.three_quarters)}"
    ends = f"{value(one.low)} to {value(one.high)}"
    return (
        f"{visible(one.phase)}: median {value(one.middle)}, {half}, all {ends}, {counted(one.count, 'run')}"
    )


def draw_scores(figures: RunFigures, measure: Measure, width: float, height: float) -> Drawing:
    """The scores of each phase's newest version."""
    full = figures.full
    along = ticks(min(one.low for one in figures.scores), max(full, *(one.high for one in figures.scores)), 6)
    low, high = along[0], along[-1]

    def place(number: float) -> float:
        return (number - low) / (high - low)

    marks = [(place(number), f"{number:g}") for number in along]
    scale = SpreadScale(_points, place, lambda number: score_tone(number / full), marks)
    return draw_spreads(figures.scores, scale, measure, width=width, height=height)


def _points(value: float) -> str:
    """A score, or what lies between two of them, to one decimal."""
    return formatting.score(round(value, 1))


_TIMES = ((_MINUTE, "1 min"), (600, "10 min"), (HOUR, "1 h"), (6 * HOUR, "6 h"), (DAY, "1 d"))
_LONG_TIMES = ((7 * DAY, "1 wk"), (30 * DAY, "30 d"), (365 * DAY, "1 y"))


def draw_times(figures: RunFigures, measure: Measure, width: float, height: float) -> Drawing:
    """How long the phases took; ten times as long is as far everywhere, as times differ that much."""
    shortest = max(_MINUTE / 60, min(one.low for one in figures.times))
    longest = max(2 * shortest, *(one.high for one in figures.times))
    named = next((at for at, _ in (*_TIMES, *_LONG_TIMES) if at >= longest), longest)
    low, high = log10(min(shortest, _MINUTE)), log10(named if named <= 2 * longest else longest)

    def place(seconds: float) -> float:
        return (log10(max(seconds, 10**low)) - low) / (high - low)

    marks = [(place(at), words) for at, words in (*_TIMES, *_LONG_TIMES) if low <= log10(at) <= high]
    scale = SpreadScale(formatting.duration, place, lambda seconds: "accent", marks)
    return draw_spreads(figures.times, scale, measure, width=width, height=height)


def draw_points(figures: RunFigures, measure: Measure, width: float, height: float) -> Drawing:
    """Each run by its revenue (right) and score (up), in the form of its status."""
    points = figures.points
    said = formatting.amount if any(point.told for point in points) else formatting.money
    right_of, marks = _revenue_scale([point.revenue for point in points], max(2, int(width // 90)), said)
    scores = [point.score for point in points]
    up = ticks(min(scores), max(figures.full, *scores), 6)
    legend = _in_order(list({point.status for point in points}))
    left, top = 16 + max(measure("Score ↑"), *(measure(f"{value:g}") for value in up)) + _GAP, _TOP + 24
    right, bottom = width - _RIGHT - 12, height - _BOTTOM - 20
    shapes: list[Shape] = _points_legend(legend, measure, left + 20, right)
    for value in up:
        y = bottom - (value - up[0]) / (up[-1] - up[0]) * (bottom - top)
        shapes.append(DrawnLine(left, y, right, y, "line"))
        shapes.append(DrawnText(left - _GAP, y, f"{value:g}", "dim", Align.BEFORE))
    for place, words in marks:
        x = left + place * (right - left)
        shapes.append(DrawnLine(x, bottom, x, bottom + 4, "line"))
        shapes.append(DrawnText(x, bottom + 14, words, "dim", Align.AROUND))
    shapes.append(DrawnText(right, bottom + 32, "Revenue →", "dim", Align.BEFORE))
    shapes.append(DrawnText(left - _GAP, _TOP, "Score ↑", "dim", Align.BEFORE))
    spots = []
    for point in sorted(points, key=lambda one: one.revenue):
        x = left + right_of(point.revenue) * (right - left)
        y = bottom - (point.score - up[0]) / (up[-1] - up[0]) * (bottom - top)
        colour, form = _form(point.status)
        shapes.append(DrawnPoint(x, y, form, colour))
        spots.append(Spot(x - 6, y - 6, 12, 12, _point_words(point), point.id))
    return Drawing(width, height, shapes, spots)


def _revenue_scale(
    revenues: Sequence[float], most: int, words: Callable[[float], str]
) -> tuple[Callable[[float], float], list[tuple[float, str]]]:
    """Where between 0 and 1 a revenue is, and which places have words. Where nearly all are far below the
    highest, or a quarter are very far, and would stand in one heap, ten times as much is as far everywhere;
    what is below the first place stands there, which says so.
    """
    ordered = sorted(revenues)
    highest, above = ordered[-1], [revenue for revenue in ordered if revenue > 0]
    is_far = ordered[_NEARLY_ALL * (len(ordered) - 1) // 100] < highest / 10
    if above and (is_far or above[len(above) // 4] < highest / _FAR):
        first = max(0, int(log10(max(1.0, above[len(above) // 50]))))
        steps = max(1, ceil(log10(highest)) - first)

        def place(revenue: float) -> float:
            return max(0.0, log10(max(revenue, 1.0)) - first) / steps

        marks = [(step / steps, words(10.0 ** (first + step))) for step in range(steps + 1)]
        if ordered[0] < 10.0**first:
            marks[0] = 0.0, f"≤ {marks[0][1]}"
        return place, marks[:: -(-len(marks) // most)]
    along = ticks(min(0.0, ordered[0]), highest, most)
    low, span = along[0], along[-1] - along[0]
    return lambda revenue: (revenue - low) / span, [((one - low) / span, words(one)) for one in along]


def _points_legend(statuses: Sequence[str], measure: Measure, left: float, right: float) -> list[Shape]:
    """Those that there is room for, and how many more there are."""
    shapes: list[Shape] = []
    for status, words, x in _legend(statuses, measure, left, right, 36):
        if status is not None:
            colour, form = _form(status)
            shapes.append(DrawnPoint(x + 5, _TOP, form, colour))
        shapes.append(DrawnText(x + (0 if status is None else 16), _TOP, words, "dim"))
    return shapes


def _legend(
    statuses: Sequence[str], measure: Measure, left: float, right: float, around: float
) -> Iterator[tuple[str | None, str, float]]:
    """What looks how, in words, and where each begins: those that nobody knows look alike, and are one. Where
    there is no more room, how many more there are.
    """
    known = [status for status in statuses if _known(status) is not None]
    others = [status for status in statuses if _known(status) is None]
    named = [(status, _named(status)) for status in known]
    if others:
        named.append((others[0], _named(others[0]) if len(others) == 1 else f"other {len(others)}"))
    for position, (status, words) in enumerate(named):
        if left + around + measure(words) > right - 24 and position:
            yield None, f"+{len(named) - position}", left
            return
        yield status, words, left
        left += around + measure(words)


def _point_words(point: RunPoint) -> str:
    idea = formatting.first_line(visible(point.idea), 80)
    return f"{idea}: {_named(point.status)}, score {formatting.score(point.score)}, {_revenue(point)}"


def _revenue(point: RunPoint) -> str:
    return visible(formatting.first_line(point.told, 40)) if point.told else formatting.money(point.revenue)


def draw_weeks(figures: RunFigures, measure: Measure, width: float, height: float) -> Drawing:
    """A bar of the runs that began in a week, or in several where there are more than there is room for."""
    statuses = _in_order(list({status for week in figures.weeks for status in week.statuses}))
    room = width - 60 - _RIGHT
    together = max(1, -(-len(figures.weeks) * 8 // max(1, int(room))))
    bars = [
        (
            figures.weeks[first].monday,
            figures.weeks[min(first + together, len(figures.weeks)) - 1].monday,
            {
                status: sum(week.statuses.get(status, 0) for week in figures.weeks[first : first + together])
                for status in statuses
            },
        )
        for first in range(0, len(figures.weeks), together)
    ]
    up = ticks(0, max(sum(counts.values()) for _, _, counts in bars), 6)
    up = [value for value in up if value == int(value)]
    left = 16 + max(measure(formatting.grouped(int(value))) for value in up) + _GAP
    top, bottom, right = _TOP + 24, height - _BOTTOM, width - _RIGHT
    step = min(_WEEK, (right - left) / len(bars))
    wide = min(_BAR, step * 0.7)
    shapes: list[Shape] = []
    for status, words, x in _legend(statuses, measure, left, right, 44):
        if status is not None:
            colour, fill = _fill(status)
            shapes.append(DrawnArea(x, _TOP - 5, 16, 10, colour, fill))
        shapes.append(DrawnText(x + (0 if status is None else 22), _TOP, words, "dim"))
    for value in up:
        y = bottom - value / up[-1] * (bottom - top)
        shapes.append(DrawnLine(left, y, right, y, "line"))
        shapes.append(DrawnText(left - _GAP, y, formatting.grouped(int(value)), "dim", Align.BEFORE))
    spots, free_from = [], left - 1e9
    for position, (monday, last, counts) in enumerate(bars):
        x, y = left + position * step + (step - wide) / 2, bottom
        for status in statuses:
            tall = counts[status] / up[-1] * (bottom - top)
            y -= tall
            if tall:
                shapes.append(DrawnArea(x, y, wide, max(1, tall - 1), *_fill(status)))
        label = _day(monday)
        at = min(x, width - 8 - measure(label))
        if at >= free_from:
            shapes.append(DrawnText(at, bottom + 14, label, "dim"))
            free_from = at + measure(label) + 16
        spots.append(Spot(x, min(y, bottom - 4), wide, max(4, bottom - y), _week_words(monday, last, counts)))
    return Drawing(width, height, shapes, spots)


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d}"


def _week_words(monday: int, last: int, counts: dict[str, int]) -> str:
    span = f"Week from {_day(monday)}" if monday == last else f"Weeks from {_day(monday)} to {_day(last)}"
    parts = [f"{formatting.grouped(count)} {_named(status)}" for status, count in counts.items() if count]
    return f"{span}: {counted(sum(counts.values()), 'run')}" + (f" ({', '.join(parts)})" if parts else "")


@dataclass(frozen=True, slots=True)
class ChartKind:
    """A chart: `key` and `title`, how it is drawn, what is said of it, the same as a table, and what can
    be done with it here.
    """

    key: str
    title: str
    draw: Callable[[RunFigures, Measure, float, float], Drawing]
    is_there: Callable[[RunFigures], bool]
    nothing: str
    said: Callable[[RunFigures], str]
    columns: tuple[Column, ...]
    rows: Callable[[RunFigures], list[tuple[Cell, ...]]]
    hint: str = ""
    of_artifacts: bool = False


_SPREAD = tuple(
    StaticColumn(name, right=True) for name in ("Runs", "Least", "Median", "Greatest", "Middle half")
)


def _spread_rows(spreads: Sequence[Spread], value: Callable[[float], str]) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(_named(one.phase)),
            Cell(formatting.grouped(one.count), one.count),
            *(Cell(value(number), round(number * 1000)) for number in (one.low, one.middle, one.high)),
            Cell(f"{value(one.quarter)} – {value(one.three_quarters)}", round(one.quarter * 1000)),
        )
        for one in spreads
    ]


def _point_rows(figures: RunFigures) -> list[tuple[Cell, ...]]:
    return [
        (
            Cell(formatting.first_line(visible(point.idea), 80)),
            Cell(_named(point.status)),
            Cell(formatting.score(point.score), round(point.score * 1000)),
            Cell(_revenue(point), round(point.revenue)),
        )
        for point in figures.points[:_MOST_ROWS]
    ]


def _week_rows(figures: RunFigures) -> list[tuple[Cell, ...]]:
    return [
        (Cell(_day(week.monday)), Cell(_named(status)), Cell(formatting.grouped(count), count))
        for week in reversed(figures.weeks)
        for status, count in sorted(week.statuses.items())
    ]


def _said_of_points(figures: RunFigures) -> str:
    said = f"{counted(figures.with_both, 'run')} of {formatting.grouped(figures.runs)} have both numbers"
    if len(figures.points) < figures.with_both:
        said += f"; the newest {formatting.grouped(len(figures.points))} are shown"
    if len(figures.points) > _MOST_ROWS:
        said += f"; the table has the newest {formatting.grouped(_MOST_ROWS)}"
    return f"{said}."


def _said_of_weeks(figures: RunFigures) -> str:
    said = "By the week in which a run began (UTC) and the status it has now."
    others = figures.runs - sum(sum(week.statuses.values()) for week in figures.weeks)
    if others:
        began = "has no valid start time, or one years away"
        said += f" {formatting.grouped(others)} of {counted(figures.runs, 'run')} {began}."
    return said


_NOT_TOLD = (
    "This database has no artifacts of its runs, or does not say of which run, phase and time they are."
)
KINDS: Final = (
    ChartKind(
        "scores",
        "Score by phase",
        draw_scores,
        lambda figures: bool(figures.scores),
        "No artifact has a score.",
        lambda figures: "The newest version of each phase: median, the middle half, and all of them.",
        (StaticColumn("Phase"), *_SPREAD),
        lambda figures: _spread_rows(figures.scores, _points),
        of_artifacts=True,
    ),
    ChartKind(
        "points",
        "Score and revenue",
        draw_points,
        lambda figures: bool(figures.points),
        "No run has both a score and a revenue that can be read as numbers.",
        _said_of_points,
        (
            StaticColumn("Idea"),
            StaticColumn("Status"),
            StaticColumn("Score", right=True),
            StaticColumn("Revenue", right=True),
        ),
        _point_rows,
        "Click one to select it.",
    ),
    ChartKind(
        "weeks",
        "Runs a week",
        draw_weeks,
        lambda figures: bool(figures.weeks),
        "No run has a time at which it began.",
        _said_of_weeks,
        (StaticColumn("Week from"), StaticColumn("Status"), StaticColumn("Runs", right=True)),
        _week_rows,
    ),
    ChartKind(
        "times",
        "Time a phase takes",
        draw_times,
        lambda figures: bool(figures.times),
        "No run of this database has an artifact.",
        lambda figures: "From what came before it in its run to its own last version; waiting is part of it.",
        (StaticColumn("Phase"), *_SPREAD),
        lambda figures: _spread_rows(figures.times, formatting.duration),
        of_artifacts=True,
    ),
)


class ChartsDialog(Dialog):
    """Stands beside the window, which stays usable. `picked(run id)` when a run's point was chosen; `came()`
    when the figures are there, or the sentence why they are not.
    """

    picked = Signal(object)
    came = Signal()

    def __init__(self, context: Context, scope: Scope, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, "Charts of planning runs", parent=parent)
        self._context, self._scope = context, scope
        self._figures: RunFigures | None = None
        self._reading: Task | None = None
        self._is_older, self._read_at = False, 0
        self._is_chosen = False
        """Whether a person has chosen a chart; until then it is the first that has something."""
        self.kinds = CountChips("Chart")
        self.kinds.set_chips([Choice(kind.key, kind.title) for kind in KINDS])
        self.as_table = push_button(context.theme, "As table", icon=Icon.LOG)
        self.as_table.setCheckable(True)
        self.chart = Chart(context.theme)
        self.empty = Label(look=Look.DIM, wrap=True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.said = Label(look=Look.DIM, wrap=True)
        self.stack = QStackedWidget()
        self.table = StaticTable(context.theme, "The chart as a table", ())
        self._table_place = QWidget()
        self._table_row = in_row(within=self._table_place)
        for part in (self.chart, self._table_place, self.empty):
            self.stack.addWidget(part)
        self.body.setSpacing(12)
        for part in (self.kinds, self.said):
            self.add_widget(part)
        self.add_widget(self.stack, 1)
        self.export_button = push_button(context.theme, "Export…", self._ask_export, icon=Icon.EXPORT)
        self.set_close_button(left=[self.as_table, self.export_button])
        self.kinds.changed.connect(lambda key: self._choose())
        self.as_table.toggled.connect(self._turn)
        self.chart.picked.connect(self._pick)
        self.finished.connect(self._stop)
        self.open_as_large_as(_OPENED)
        self._say_nothing("Reading…")
        self.kinds.buttons()[0].setFocus()
        later(self, 0, self.read)

    def take_focus(self) -> None:
        """To the chart that is chosen."""
        next(button for button in self.kinds.buttons() if button.isChecked()).setFocus()

    def set_scope(self, scope: Scope) -> None:
        """Of another tenant, or all."""
        if scope != self._scope:
            self._scope = scope
            self.read()

    def read(self) -> None:
        """Reads the figures; where that is charged, and much, a person is asked first."""
        declined = partial(self._say_nothing, "Not read.")
        self._context.when_agreed(self._charged(), self._read, self, declined)

    def refresh(self) -> None:
        """The same where no person asks for it: what they would be asked about is not read, which is said."""
        if self._figures is not None and self._context.is_much(self._charged()):
            self._is_older = True
            self._show()
        else:
            self.read()

    def _charged(self) -> int:
        runs, artifacts = (
            self._context.rows_of(table.name, self._scope) for table in (PLANNING_RUNS, PLANNING_ARTIFACTS)
        )
        return run_views.charged(runs, artifacts)

    def _read(self) -> None:
        self._stop()
        self._reading = self._context.runner.read(
            run_views.read, self._scope, on_done=self._take, on_failed=self._fail
        )

    def _stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _take(self, figures: RunFigures) -> None:
        self._figures, self._is_older, self._read_at = figures, False, self._context.clock()
        if not self._is_chosen and not self.kind().is_there(figures):
            has_focus = any(button.hasFocus() for button in self.kinds.buttons())
            self.kinds.set_key(next((kind.key for kind in KINDS if kind.is_there(figures)), None))
            if has_focus:
                self.take_focus()
        self._show()
        self.came.emit()

    def _fail(self, error: TenantAdminError) -> None:
        self._figures = None
        self._say_nothing(str(error))
        self.came.emit()

    def kind(self) -> ChartKind:
        """The one that is chosen."""
        return next(kind for kind in KINDS if kind.key == (self.kinds.key() or KINDS[0].key))

    def _choose(self) -> None:
        self._is_chosen = True
        self._show()

    def _show(self) -> None:
        figures, kind = self._figures, self.kind()
        if figures is None:
            return
        if not kind.is_there(figures):
            self._say_nothing(_NOT_TOLD if kind.of_artifacts and not figures.has_artifacts else kind.nothing)
            return
        parts = kind.said(figures), kind.hint, _OLDER if self._is_older else ""
        said = " ".join(filter(None, parts))
        self.said.setText(said)
        self.said.show()
        self.export_button.setEnabled(True)
        self.as_table.setEnabled(True)
        self.chart.set_drawing(f"{kind.title}. {said}", partial(kind.draw, figures, self.chart.measure))
        if self.as_table.isChecked():
            self._show_table(kind, figures)
            self.stack.setCurrentWidget(self._table_place)
        else:
            self.stack.setCurrentWidget(self.chart)
        announce(self.said, f"{kind.title}. {said}")

    def _pick(self, run_id: object) -> None:
        """Selects it behind this window, which says so, and stays."""
        self.picked.emit(run_id)
        points = () if self._figures is None else self._figures.points
        idea = next((one.idea for one in points if one.id == run_id), "")
        self.said.setText(f"“{visible(formatting.first_line(idea, 60))}” is selected in the list of runs.")
        announce(self.said, self.said.text())

    def _pick_row(self, index: QModelIndex) -> None:
        """A row of the table does what its point does."""
        if self._figures is not None:
            self._pick(self._figures.points[self.table.source_row(index.row())].id)

    def _turn(self, to_table: bool) -> None:
        self.as_table.setText("As chart" if to_table else "As table")
        self._show()

    def _show_table(self, kind: ChartKind, figures: RunFigures) -> None:
        self.table.setParent(None)
        self.table.deleteLater()
        self.table = StaticTable(
            self._context.theme, kind.title, kind.columns, kind.rows(figures), most=_LEAST
        )
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        if kind.key == "points":
            self.table.opened.connect(self._pick_row)
            self.table.clicked.connect(self._pick_row)
        self._table_row.addWidget(self.table)

    def _say_nothing(self, why: str) -> None:
        self.empty.setText(why)
        self.said.hide()
        self.export_button.setEnabled(False)
        self.as_table.setEnabled(False)
        self.stack.setCurrentWidget(self.empty)

    def _ask_export(self) -> None:
        start = str(self._context.opened.folder / f"{self.kind().title.lower().replace(' ', '-')}.svg")
        chosen = ask_save(self.theme, self, "Export the chart", start, "SVG (*.svg);;PNG (*.png)")
        if chosen is not None:
            path, kind = chosen
            self.export(path, is_png=path.suffix.lower() == ".png" or (not path.suffix and "png" in kind))

    def _frame(self) -> Frame:
        """What is written around it: a picture that is shown elsewhere tells where it is from."""
        context, figures, kind = self._context, self._figures or RunFigures(), self.kind()
        tenant = "all tenants" if self._scope.tenant_id is None else f"tenant {self._scope.tenant_id}"
        at = formatting.absolute_time(self._read_at, context.settings.utc_times)
        parts = context.opened.place, tenant, counted(figures.runs, "run"), f"as of {at}"
        source = " · ".join(visible(part) for part in parts)
        return Frame(kind.title, kind.said(figures), source, self.chart.measure)

    def export(self, path: Path, *, is_png: bool) -> None:
        """Writes the chart as a picture of its own size, whatever the window's is."""
        frame = self._frame()
        made = self.chart.png(frame, *_EXPORTED) if is_png else partial(self.chart.svg, frame, *_EXPORTED)

        def work(monitor: Monitor) -> None:
            save(path, made())

        said = f"“{self.kind().title}” saved to {path.name}"
        self._context.job(f"Saving to {path.name}…", work, on_done=lambda _: self._context.say(said, path))
