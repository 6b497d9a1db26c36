"""Where Tab leads: to what one sees next, whenever that came."""

from collections.abc import Callable, Iterator, Sequence

from PySide6.QtCore import QObject, QRect, Qt, Slot
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import Shiboken


def step(window: QWidget, forward: bool) -> bool:
    """Gives the focus to the next or the previous stop of a window; behind the last comes the first.

    Qt's own order is that in which widgets were made, and so of a notice or a filter that comes late, last.
    """
    now = window.focusWidget()
    seen = [part for part in as_seen(window) if part is now or is_stop(part)]
    if not seen:
        return False
    one = 1 if forward else -1
    to = seen[(seen.index(now) + one) % len(seen)] if now in seen else seen[0 if forward else -1]
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    to.setFocus(reason)
    return True


def enter(part: QWidget) -> None:
    """Gives the focus to the first stop within a part."""
    first = next(filter(is_stop, as_seen(part)), None)
    if first is not None:
        first.setFocus(Qt.FocusReason.TabFocusReason)


def is_lost(focused: QWidget | None) -> bool:
    """Whether no key would do anything where the focus is."""
    takes_keys = focused is not None and focused.focusPolicy() != Qt.FocusPolicy.NoFocus
    return focused is None or not (takes_keys and focused.isVisible() and focused.isEnabled())


def release(part: QWidget) -> None:
    """Takes the focus from what is about to go out of sight, when it is known where it will be: Qt
    would give it to something on the way, which a screen reader says first.
    """
    focused = part.window().focusWidget()
    if focused is not None and (part is focused or part.isAncestorOf(focused)):
        focused.clearFocus()


def hear_in_order(within: QWidget, *parts: QWidget) -> None:
    """Puts these of its children in the order in which a screen reader goes through them: Qt's own is that in
    which they came to it.
    """
    children = within.children()
    places = [children.index(part) for part in parts]
    if places != sorted(places):
        for part in parts:
            part.raise_()


class LentFocus(QObject):
    """Where the focus within a part that comes and goes came from. `give_back()` before the part goes: else
    nothing would have it then. It knows the part by its parent alone: where garbage of both is collected,
    what Python keeps of it goes first, and the part may have the focus then.
    """

    def __init__(self, part: QWidget) -> None:
        super().__init__(part)
        self._before: QWidget | None = None
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    @Slot(QWidget, QWidget)  # else Qt may look for it, by its name, in one that is being taken down
    def _follow(self, old: QWidget | None, new: QWidget | None) -> None:
        if self._has(new) and old is not None and not self._has(old):
            self._before = old

    def _has(self, one: QWidget | None) -> bool:
        part = self.parent()
        return one is not None and isinstance(part, QWidget) and part.isAncestorOf(one)

    def give_back(self) -> None:
        before = self._before
        is_there = before is not None and Shiboken.isValid(before) and before.isVisible()
        part = self.parent()
        focused = part.window().focusWidget() if isinstance(part, QWidget) else None
        if before is not None and is_there and self._has(focused):
            before.setFocus(Qt.FocusReason.OtherFocusReason)
        self._before = None


def is_stop(part: QWidget) -> bool:
    """Whether Tab leads there."""
    policy = part.focusPolicy() & Qt.FocusPolicy.TabFocus
    return policy == Qt.FocusPolicy.TabFocus and part.isEnabled() and part.focusProxy() is None


def as_seen(whole: QWidget) -> Iterator[QWidget]:
    """All that is in sight of it, in the order in which one reads."""
    parts = [
        part
        for part in whole.children()
        if isinstance(part, QWidget) and part.isVisible() and not part.isWindow()
    ]
    for part in _read(parts):
        yield part
        yield from as_seen(part)


def _read(parts: Sequence[QWidget]) -> Sequence[QWidget]:
    """Line after line; within a line from left to right, and within what stands beside others again so."""
    lines = _apart(parts, lambda place: (place.top(), place.bottom()))
    if len(lines) > 1:
        return [part for line in lines for part in _read(line)]
    columns = _apart(parts, lambda place: (place.left(), place.right()))
    if len(columns) > 1:
        return [part for column in columns for part in _read(column)]
    return sorted(parts, key=lambda part: (part.y(), part.x()))


def _apart(parts: Sequence[QWidget], extent: Callable[[QRect], tuple[int, int]]) -> list[list[QWidget]]:
    """Those that overlap in this direction together."""
    found, end = list[list[QWidget]](), 0
    for start, until, part in sorted(
        ((*extent(part.geometry()), part) for part in parts), key=lambda one: one[:2]
    ):
        if not found or start > end:
            found.append([])
            end = until
        found[-1].append(part)
        end = max(end, until)
    return found
