"""How far a planning run came: in a line, and the scores of its phases as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite
from typing import Any

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.itemmodels.columns import Tone
from app.services.records import runs as planning
from app.services.records.record import Record
from app.services.records.runs import RunDetail
from app.services.text import counted, visible
from app.ui.theme import Theme
from app.ui.widgets import formatting

_ROW, _GAP = 24, 10
_FULL, _PLANNERS_FULL = 100.0, 10.0
"""The best score of the platform's document, and of its planning machine."""


@dataclass(frozen=True, slots=True)
class PhaseScore:
    """One phase: its name, its score as it is stored, its version in words (None: nothing yet).

    `full` is the best score that there is.
    """

    phase: str
    score: Any = None
    version: str | None = None
    full: float = _FULL

    @property
    def points(self) -> str:
        return formatting.figure(self.score) or "—"

    @property
    def share(self) -> float | None:
        """The score as a part of the best; None for what no bar can show."""
        if not _is_number(self.score) or not isfinite(self.score):
            return None
        return float(min(max(self.score / self.full, 0), 1))


def score_tone(share: float) -> Tone:
    """Green above 70 of 100, amber from 65, red below: the bands in the design's picture of a run."""
    if share > 0.70:
        return Tone.OK
    return Tone.WARN if share >= 0.65 else Tone.BAD


class PhaseScores(QWidget):
    """`set_scores(scores)` shows one row each.

    `activated(str)` names the phase that was clicked, or chosen with Return; only phases with a version can
    be. Up and Down move. `current()` is the phase in focus.
    """

    activated = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._scores: tuple[PhaseScore, ...] = ()
        self._current, self._hovered = 0, -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Scores by phase")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def set_scores(self, scores: Sequence[PhaseScore]) -> None:
        self._scores = tuple(scores)
        self._current = min(self._current, max(0, len(scores) - 1))
        self.setAccessibleDescription("; ".join(_words(score) for score in scores))
        self.updateGeometry()
        self.update()

    def current(self) -> str | None:
        return self._scores[self._current].phase if self._scores else None

    def row_rect(self, row: int) -> QRect:
        height = self._row_height()
        return QRect(0, row * height, self.width(), height)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(score.phase) for score in self._scores), default=60)
        return QSize(names + 180, max(1, len(self._scores)) * self._row_height())

    def minimumSizeHint(self) -> QSize:
        return QSize(160, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(visible(s.phase)) for s in self._scores), default=0) + 4
        names = min(names, self.width() // 2)
        versions = metrics.horizontalAdvance("v00.00")
        for row, score in enumerate(self._scores):
            self._paint_row(painter, row, score, names, versions)
        painter.end()

    def _paint_row(self, painter: QPainter, row: int, score: PhaseScore, names: int, versions: int) -> None:
        theme, rect = self._theme, self.row_rect(row)
        focused = row == self._current and self.hasFocus()
        if row == self._hovered and score.version is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(rect, 4, 4)
        if focused:
            painter.setPen(theme.colour("accent"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        inner = rect.adjusted(4, 0, -4, 0)
        there = score.version is not None
        painter.setPen(theme.colour("text" if there else "dim"))
        name = self.fontMetrics().elidedText(visible(score.phase), Qt.TextElideMode.ElideRight, names)
        painter.drawText(
            QRect(inner.x(), rect.y(), names, rect.height()), Qt.AlignmentFlag.AlignVCenter, name
        )
        number = self.fontMetrics().horizontalAdvance("100.00")
        left = inner.x() + names + _GAP
        track = QRectF(
            left, rect.y() + rect.height() / 2 - 4, inner.right() - left - number - versions - 2 * _GAP, 8
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("neutral_on" if there else "hover"))
        painter.drawRoundedRect(track, 4, 4)
        beside = QRect(round(track.right()) + _GAP, rect.y(), number, rect.height())
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        share, colour = score.share, "dim"
        if share is not None:
            colour = score_tone(share)
            painter.setBrush(theme.colour(colour))
            painter.drawRoundedRect(QRectF(track.x(), track.y(), max(8.0, track.width() * share), 8), 4, 4)
        painter.setPen(theme.colour(colour))
        painter.drawText(beside, middle, self._fitting(score.points, number))
        if score.version is not None:
            painter.setPen(theme.colour("dim"))
            right = QRect(inner.right() - versions, rect.y(), versions, rect.height())
            painter.drawText(right, middle, self._fitting(score.version, versions))

    def _fitting(self, text: str, width: int) -> str:
        return self.fontMetrics().elidedText(visible(text), Qt.TextElideMode.ElideRight, width)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._row_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self._row_at(event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and row >= 0:
            self._current = row
            self.update()
            self._activate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._scores) - 1
        moves = {
            Qt.Key.Key_Up: max(0, self._current - 1),
            Qt.Key.Key_Down: min(last, self._current + 1),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        key = Qt.Key(event.key())
        if key in moves and last >= 0:
            self._current = moves[key]
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._activate()
        else:
            super().keyPressEvent(event)

    def _activate(self) -> None:
        if self._scores and self._scores[self._current].version is not None:
            self.activated.emit(self._scores[self._current].phase)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            can = row >= 0 and self._scores[row].version is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if can else Qt.CursorShape.ArrowCursor)
            self.update()

    def _row_at(self, y: float) -> int:
        row = int(y // self._row_height())
        return row if 0 <= row < len(self._scores) else -1

    def _row_height(self) -> int:
        return max(_ROW, self.fontMetrics().height() + 6)


def _words(score: PhaseScore) -> str:
    if score.version is None:
        return f"{score.phase}: nothing yet"
    points = "no score" if score.score is None else f"score {score.points}"
    return f"{score.phase}: {points}, version {score.version.removeprefix('v')}"


def summary(detail: RunDetail) -> str:
    """ "15 of 15 phases · score 84 · verdict proceed · 1 pivot"."""
    run, parts = detail.run, ["artifacts missing in this file"]
    if detail.artifacts is not None:
        done = {artifact["phase"] for artifact in detail.artifacts} & set(planning.PHASES)
        parts = [f"{len(done)} of {len(planning.PHASES)} phases"]
    if run["quality_score"] is not None:
        parts.append(f"score {formatting.figure(run['quality_score'])}")
    if run["kill_verdict"]:
        parts.append(f"verdict {run['kill_verdict']}")
    if isinstance(run["pivot_count"], int) and run["pivot_count"]:
        parts.append(counted(run["pivot_count"], "pivot"))
    return " · ".join(parts)


def phase_scores(artifacts: Sequence[Record]) -> list[PhaseScore]:
    """A row for every phase, with its newest version; phases the platform does not know come last."""
    by_phase = groupby(artifacts, lambda artifact: artifact.text("phase"))
    newest = {phase: next(versions) for phase, versions in by_phase}
    names = [*planning.PHASES, *(name for name in newest if name not in planning.PHASES)]
    points = [score for one in artifacts if _is_number(score := one["overall_score"]) and isfinite(score)]
    full = _PLANNERS_FULL if points and max(points) <= _PLANNERS_FULL else _FULL
    return [_phase_score(name, newest.get(name), full) for name in names]


def _phase_score(name: str, artifact: Record | None, full: float) -> PhaseScore:
    if artifact is None:
        return PhaseScore(name)
    version = formatting.figure(artifact["version"])
    return PhaseScore(name, artifact["overall_score"], f"v{version}" if version else "—", full)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
