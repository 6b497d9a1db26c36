"""How far a planning run came: in a line, and the scores of its phases as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from app.services.records.record import Record
from app.services.records.rows import is_number
from app.services.runs import statuses as planning
from app.services.runs.run_timeline import phases_done
from app.services.runs.statuses import FULL, RunDetail, full_score
from app.services.text import counted, visible
from app.ui.theme import Kind, Theme, Tone, set_property
from app.ui.widgets import formatting
from app.ui.widgets.banner import ProgressBar
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import Label, Look, set_tip

_GAP, _LINE, _LONGEST = 16, 20, 24
VERDICT = 60
"""Characters of a kill verdict that the summary has room for."""
_NAMES, _BETWEEN = (0, 3), 2
"""The columns of the grid: names with their points at their right, and the gap between both halves."""


@dataclass(frozen=True, slots=True)
class PhaseScore:
    """One phase: its name, its score as it is stored, its version in words (None: nothing yet).

    `full` is the best score that there is.
    """

    phase: str
    score: Any = None
    version: str | None = None
    full: float = FULL

    @property
    def points(self) -> str:
        return formatting.score(self.score) or formatting.NOTHING

    @property
    def share(self) -> float | None:
        """The score as a part of the best; None for what no bar can show."""
        if not is_number(self.score):
            return None
        return float(min(max(self.score / self.full, 0), 1))


def score_tone(share: float) -> Tone:
    """Green above 70 of 100, amber from 65, red below: the bands in the design's picture of a run."""
    if share > 0.70:
        return Tone.OK
    return Tone.WARN if share >= 0.65 else Tone.BAD


class PhaseScores(QWidget):
    """For each phase its name, and its score in points and as a bar below both; in two columns, so that all
    are seen at once. The newest version is in the tool tip.

    `activated(str)` names the phase whose button was pressed; only phases with a version can be.
    """

    activated = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scores: tuple[PhaseScore, ...] = ()
        self._rows: list[tuple[QPushButton, ProgressBar, Label]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(0)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnMinimumWidth(_BETWEEN, _GAP)
        for column in (_NAMES[0], _NAMES[1]):
            self._grid.setColumnStretch(column, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for _ in planning.PHASES:
            self._add_row()

    def set_scores(self, scores: Sequence[PhaseScore]) -> None:
        self._scores = tuple(scores)
        while len(self._rows) < len(scores):
            self._add_row()
        for row in self._rows[len(scores) :]:
            for part in row:
                part.hide()
        self._place(len(scores))
        for (name, bar, points), score in zip(self._rows, scores, strict=False):
            share = score.share
            tone = None if share is None else score_tone(share)
            shown = visible(formatting.first_line(score.phase, _LONGEST))
            name.setText(shown.replace("&", "&&"))
            name.setAccessibleName(_words(score))
            set_tip(name, _words(score))
            name.setEnabled(score.version is not None)
            bar.show_progress(round(100 * (share or 0)), 100)
            bar.setAccessibleName(f"{shown}: {score.points} of {score.full:g}")
            set_property(bar, "tone", tone)
            points.setText(formatting.first_line(score.points, _LONGEST // 2))
            set_property(points, "look", Look.DIM if tone is None else tone)
            for part in (name, points):
                part.show()
            bar.setVisible(share is not None)

    def button(self, phase: str) -> QPushButton:
        """The button of a phase. Raises `ValueError`."""
        return self._rows[[score.phase for score in self._scores].index(phase)][0]

    def _add_row(self) -> None:
        position, name = len(self._rows), push_button(self._theme, "", kind=Kind.FLAT)
        name.setProperty("small", True)
        name.setProperty("flush", True)  # with the bar below it
        name.clicked.connect(lambda: self.activated.emit(self._scores[position].phase))
        name.setFixedHeight(_LINE)
        row = (name, ProgressBar(), Label())
        for part in (name, row[2], row[1]):  # in the order in which they are heard
            part.setParent(self)
        self._rows.append(row)

    def _place(self, count: int) -> None:
        """The first half of them at the left."""
        half = -(-count // 2)
        for position, (name, bar, points) in enumerate(self._rows[:count]):
            side, line = divmod(position, max(1, half))
            column = _NAMES[side]
            self._grid.setRowMinimumHeight(2 * line + 1, bar.sizeHint().height())
            self._grid.addWidget(name, 2 * line, column, Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(points, 2 * line, column + 1, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(bar, 2 * line + 1, column, 1, 2)


def _words(score: PhaseScore) -> str:
    phase = visible(score.phase)
    if score.version is None:
        return f"{phase}: nothing yet"
    points = "no score" if score.score is None else f"score {score.points}"
    return visible(f"{phase}: {points}, version {score.version.removeprefix('v')}")


def summary(detail: RunDetail) -> str:
    """ "15 of 15 phases · score 84 · verdict proceed · 1 pivot"."""
    run, parts = detail.run, ["artifacts missing in this database"]
    if detail.artifacts is not None:
        done, known = phases_done(run, detail.artifacts)
        parts = [f"{done} of {known} phases"]
    if run["quality_score"] is not None:
        parts.append(f"score {formatting.score(run['quality_score'])}")
    if run["kill_verdict"]:
        parts.append(f"verdict {formatting.first_line(run.text('kill_verdict'), VERDICT)}")
    if isinstance(run["pivot_count"], int) and run["pivot_count"]:
        parts.append(counted(run["pivot_count"], "pivot"))
    return " · ".join(parts)


def phase_scores(artifacts: Sequence[Record]) -> list[PhaseScore]:
    """A row for every phase, with its newest version; phases the platform does not know come last."""
    by_phase = groupby(artifacts, lambda artifact: artifact.text("phase"))
    newest = {phase: next(versions) for phase, versions in by_phase}
    names = planning.in_running_order({*planning.PHASES, *newest})
    full = best_score(artifacts)
    return [_phase_score(name, newest.get(name), full) for name in names]


def best_score(artifacts: Sequence[Record]) -> float:
    """The best score that there is for these: where none has more than ten, the planning machine's."""
    points = [score for one in artifacts if is_number(score := one["overall_score"])]
    return full_score(max(points, default=FULL))


def known_full_score(artifacts: Sequence[Record], score: object) -> float | None:
    """The same for a run's own score; None where a score of ten may be of ten or of a hundred."""
    tells = any(is_number(one["overall_score"]) for one in artifacts)
    is_more = is_number(score) and full_score(score) == FULL
    return best_score(artifacts) if tells or is_more else None


def _phase_score(name: str, artifact: Record | None, full: float) -> PhaseScore:
    if artifact is None:
        return PhaseScore(name)
    version = formatting.figure(artifact["version"])
    return PhaseScore(name, artifact["overall_score"], f"v{version}" if version else formatting.NOTHING, full)
