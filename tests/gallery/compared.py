"""Which pictures are stored and compared, how they are drawn for it, and what counts as a difference.

They lie in `pictures/SET/SCENE.png`, with few colours, so that they are small.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtGui import QColor, QImage, QPainter

PICTURES: Final = Path(__file__).parent / "pictures"
FONTS: Final = Path(__file__).parent / "fonts.conf"
FONT: Final = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")

_STEPS: Final = (8, 16)
"""Stored colours are rounded to multiples of the first of these that leaves few enough of them."""
_COLOURS: Final = 256

TOLERANCE: Final = 16
"""How far red, green or blue of a pixel may lie from what is stored: its rounding, and another FreeType."""

SPECKS: Final = 150
"""How many reds, greens and blues of a picture may lie further off."""

PATIENCE_SECONDS: Final = 30.0
"""How long those of a set together may still come to look as they are stored, once they stand still."""


@dataclass(frozen=True)
class Set:
    """Pictures that one process draws, since Qt reads the scale once."""

    mode: str
    scale: int
    scenes: tuple[str, ...]


_TABS: Final = ("users", "audit", "webhooks", "notifications", "runs")

SETS: Final = {
    "light": Set(
        "light",
        1,
        (
            *(f"tab-{tab}" for tab in _TABS),
            *("tab-runs-of-a-gateway", "tab-tenants"),
            *("audit-verified", "audit-unproven", "audit-broken", "audit-running"),
            *("window-read-only", "window-schema-differs", "window-no-match", "search", "welcome"),
            *("state-lost-end", "state-emptied"),
            *("widgets-controls", "widgets-parts", "widgets-pick-list", "widgets-choice-list"),
            *("widgets-menu", "popup-views", "tab-users-several", "tab-notifications-grouped"),
        ),
    ),
    "dialogs": Set(
        "light",
        1,
        (
            *("widgets-confirm", "widgets-error", "widgets-bug", "widgets-form", "widgets-dates"),
            *("dialog-new-user", "dialog-edit-user", "dialog-new-webhook", "dialog-edit-webhook"),
            *("dialog-retention", "dialog-retention-majority", "dialog-retention-clock-jumped"),
            *("dialog-retention-kept", "dialog-retention-nothing", "dialog-retention-read-only"),
            *("dialog-restore", "dialog-restore-findings", "dialog-exported", "dialog-choose-database"),
            *("dialog-database-info", "dialog-database-info-differs", "dialog-checkpoints", "dialog-migrate"),
            *("dialog-preferences", "dialog-preferences-wrong", "dialog-shortcuts", "dialog-delete-several"),
            *("dialog-verify-range", "dialog-verify-range-wrong", "dialog-parked-ideas"),
            *("dialog-charts-scores", "dialog-charts-weeks"),
            *("dialog-connect", "dialog-connect-wrong", "dialog-token"),
            *("dialog-accept-end", "dialog-live-time-travel", "dialog-live-time-travel-after"),
            *("dialog-live-clock-off", "dialog-live-connect-exists", "dialog-live-retention"),
            *("dialog-set-password", "dialog-password-set", "dialog-new-users"),
            *("dialog-kill-runs", "dialog-delete-tenant-users", "dialog-new-user-wrong", "dialog-views"),
            *("dialog-event-receivers", "dialog-finding", "dialog-search-texts"),
        ),
    ),
    "texts": Set(
        "light",
        1,
        (
            *(f"small-{tab}" for tab in _TABS),
            *(f"right-to-left-{tab}" for tab in _TABS if tab != "audit"),
            *("long-users", "long-webhooks", "long-notifications-small", "long-runs", "long-audit-small"),
            *("empty-users", "empty-audit", "empty-runs-small"),
        ),
    ),
    "dark": Set(
        "dark",
        1,
        (
            *("tab-users", "tab-audit", "tab-runs", "audit-broken", "right-to-left-runs"),
            *("welcome", "widgets-controls", "widgets-parts", "widgets-choice-list"),
            *("dialog-retention-majority", "dialog-new-webhook", "dialog-restore-findings"),
            *("dialog-live-time-travel", "state-lost-end-audit"),
            *("dialog-send-event-answered", "dialog-erase-tenant"),
        ),
    ),
    "large": Set(
        "light",
        2,
        (
            *("small-runs", "long-users-small"),
            *("dialog-new-webhook", "dialog-retention", "dialog-checkpoints"),
            *("dialog-connect-wrong", "dialog-live-time-travel", "dialog-about"),
        ),
    ),
}


def settle() -> None:
    """Sets what pictures depend on besides the program; to be called before Qt is loaded."""
    if not FONT.exists():
        raise FileNotFoundError(f"{FONT} is not there: install the package fonts-dejavu-core.")
    for name in [name for name in os.environ if name.startswith(("QT_", "LC_"))]:
        del os.environ[name]
    fixed = {"QT_QPA_PLATFORM": "offscreen", "FONTCONFIG_FILE": str(FONTS), "LANG": "C.UTF-8", "TZ": "UTC"}
    person = {"LOGNAME": "ops", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    os.environ.update(fixed | person)


def drawn(name: str, folder: Path, scenes: Sequence[str] = ()) -> list[Path]:
    """The pictures of a set, or some of them, drawn now into `folder` by a process of their own."""
    scenes = scenes or SETS[name].scenes
    done = subprocess.run(
        [sys.executable, "-m", "tests.gallery", str(folder), "--set", name, "--scenes", *scenes],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The gallery ended with {done.returncode}: {done.stderr[-4000:]}")
    return [folder / f"{scene}.png" for scene in scenes]


def renew() -> None:
    """Draws all sets anew and stores them; what belongs to none is removed."""
    import tempfile

    kept = set()
    for name in SETS:
        with tempfile.TemporaryDirectory() as folder:
            for picture in drawn(name, Path(folder)):
                target = PICTURES / name / picture.name
                target.parent.mkdir(parents=True, exist_ok=True)
                reduced(read(picture)).save(str(target), quality=0)  # the smallest file
                kept.add(target)
    for path in set(PICTURES.rglob("*.png")) - kept:
        path.unlink()


def read(path: Path) -> QImage:
    """The picture, a null image where there is none."""
    return QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)


def looks_as_in(stored: Path, image: QImage) -> bool:
    """Whether an image, drawn at whatever scale, is the stored picture."""
    now, then = image.convertToFormat(QImage.Format.Format_RGB32), read(stored)
    now.setDevicePixelRatio(1)
    return now.size() == then.size() and difference(now, then)[0] <= SPECKS


def reduced(image: QImage) -> QImage:
    """The same with its 256 commonest colours, rounded: a third of the size as a file. Those that are left
    out beyond would lie further from their nearest than `TOLERANCE`.
    """
    for step in _STEPS:
        nearest = bytes(min(255, (value + step // 2) // step * step) for value in range(256))
        data = bytes(image.constBits()).translate(nearest)
        colours = Counter(memoryview(data).cast("I"))
        if len(colours) <= _COLOURS:
            break
    rounded = QImage(data, image.width(), image.height(), image.bytesPerLine(), image.format())
    commonest = sorted(colours, key=lambda colour: (-colours[colour], colour))[:_COLOURS]
    return rounded.convertToFormat(QImage.Format.Format_Indexed8, sorted(commonest))


def difference(one: QImage, other: QImage) -> tuple[int, QImage]:
    """How many reds, greens and blues of two images of one size lie further apart than `TOLERANCE`, where."""
    # A line of whole words has no bytes behind it, which would be whatever was there before.
    between = one.copy(0, 0, -(-one.width() // 4) * 4, one.height())
    painter = QPainter(between)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Difference)
    painter.drawImage(0, 0, other)
    painter.end()
    between = between.convertToFormat(QImage.Format.Format_RGB888)
    marks = bytes(255 if value > TOLERANCE else 0 for value in range(256))
    data = bytes(between.constBits()).translate(marks)
    where = QImage(data, between.width(), between.height(), between.bytesPerLine(), between.format())
    return len(data) - data.count(0), where.copy(one.rect())


def fault(picture: Path, stored: Path, shown: Path) -> str:
    """What is wrong with a picture, or nothing. `shown` then has stored, drawn, difference side by side."""
    now, then = read(picture), read(stored)
    if then.isNull():
        return f"{stored} is not there"
    if now.size() == then.size():
        many, where = difference(now, then)
        if many <= SPECKS:
            return ""
        what = f"{many} values differ"
    else:
        where, what = QImage(), f"is {_size(now)} instead of {_size(then)}"
    images = [image for image in (then, now, where) if not image.isNull()]
    sheet = QImage(
        sum(image.width() + 8 for image in images) - 8,
        max(image.height() for image in images),
        QImage.Format.Format_RGB32,
    )
    sheet.fill(QColor("#808080"))
    painter = QPainter(sheet)
    left = 0
    for image in images:
        painter.drawImage(left, 0, image)
        left += image.width() + 8
    painter.end()
    shown.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(str(shown))
    return f"{what}: {shown}"


def _size(image: QImage) -> str:
    return f"{image.width()} x {image.height()}"
