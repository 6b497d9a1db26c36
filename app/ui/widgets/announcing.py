"""What changes where the focus is not, for those who hear the window."""

from PySide6.QtWidgets import QWidget


def announce(source: QWidget, text: str, *, at_once: bool = False) -> None:
    """Has a screen reader say `text` of what is in sight; `at_once` even in the midst of other words.

    Whatever changes without the focus is said by this: nobody hears a label's new words otherwise.
    """
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # noqa: PLC0415 - 3 ms of a start

    event = QAccessibleAnnouncementEvent(source, text)
    if at_once:
        event.setPoliteness(QAccessible.AnnouncementPoliteness.Assertive)
    QAccessible.updateAccessibility(event)
