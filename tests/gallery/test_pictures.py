"""Every picture that is stored looks as it did; tests/README.md says how to renew them."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel

from app.ui.theme import Mode, Theme
from app.ui.widgets.later import later
from tests.gallery.compared import PICTURES, SETS, difference, drawn, fault, looks_as_in, read, reduced
from tests.gallery.registry import Scene, Shot
from tests.gallery.render import render
from tests.matrix import every

_LARGEST = 200_000
"""Bytes of a stored picture, several times what the largest has; as it is drawn it has some million."""

RENEW = "If this is meant, look at them and renew them: python -m tests.gallery --renew"


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.timeout(1200)  # a minute at most by itself, five beside ten other processes
@pytest.mark.parametrize("name", SETS)
def test_it_looks_as_it_did(tmp_path: Path, name: str) -> None:
    faults = []
    for picture in drawn(name, tmp_path / "drawn", every(SETS[name].scenes, each=12)):
        found = fault(picture, PICTURES / name / picture.name, tmp_path / "differing" / picture.name)
        faults += [f"{name}, {picture.stem}: {found}"] if found else []
    assert not faults, "\n".join([*faults, "Each shows stored, drawn, difference. " + RENEW])


def test_nothing_else_is_stored() -> None:
    stored = {path.relative_to(PICTURES).with_suffix("").as_posix() for path in PICTURES.rglob("*.png")}
    assert stored == {f"{name}/{scene}" for name, chosen in SETS.items() for scene in chosen.scenes}
    large = [path.name for path in PICTURES.rglob("*.png") if path.stat().st_size > _LARGEST]
    assert large == [], "as `reduced` makes it, not as it is drawn"


def test_a_small_change_is_a_difference_and_fewer_colours_are_none() -> None:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    for x in range(64):
        for y in range(64):
            image.setPixelColor(x, y, QColor(4 * x, 4 * y, x + y))
    stored = reduced(image).convertToFormat(image.format())
    assert reduced(image).colorCount() == 256
    image.fill(QColor("#606a7e"))
    stored = reduced(image).convertToFormat(image.format())
    assert difference(image, stored)[0] == 0
    image.fill(QColor("#606a94"))
    assert difference(image, stored)[0] == 64 * 64


def test_a_picture_of_many_colours_is_stored_as_it_looks() -> None:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    for x in range(64):
        for y in range(64):
            image.setPixelColor(x, y, QColor(3 * x, 3 * y, 0))
    stored = reduced(image).convertToFormat(image.format())
    assert difference(image, stored)[0] == 0


@pytest.mark.parametrize("width", [61, 62, 63, 64])
def test_a_line_of_any_length_is_compared_to_its_end_and_no_further(width: int) -> None:
    image, other = (QImage(width, 40, QImage.Format.Format_RGB32) for _ in range(2))
    image.fill(QColor("#ffffff"))
    other.fill(QColor("#ffffff"))
    for _ in range(4):  # the memory that comes next has been used to the last byte
        used = QImage(width, 40, QImage.Format.Format_RGB888)
        memoryview(used.bits())[:] = b"\xff" * used.sizeInBytes()
        del used
    assert difference(image, other)[0] == 0
    other.setPixelColor(width - 1, 39, QColor("#000000"))
    many, where = difference(image, other)
    assert many == 3 and where.size() == image.size()
    assert where.pixelColor(width - 1, 39) == QColor("#ffffff")


def _drawn(folder: Path, shot: Shot, **how: Any) -> tuple[QImage, float]:
    """What is painted of a scene, and the seconds that it was waited for."""
    target = folder / "drawn.png"
    waited = render(Scene("one", lambda theme: shot, (60, 40)), Theme(Mode.LIGHT), target, **how)
    return read(target), waited


@pytest.mark.slow
def test_a_picture_is_taken_when_nothing_is_still_to_come(qapp: QApplication, tmp_path: Path) -> None:
    final, _ = _drawn(tmp_path, Shot(QLabel("there")))
    label = QLabel("not yet")
    later(label, 200, lambda: later(label, 200, lambda: label.setText("there")))
    assert difference(_drawn(tmp_path, Shot(label))[0], final)[0] == 0
    label = QLabel("not yet")
    shot = Shot(label, then=lambda: later(label, 200, lambda: label.setText("there")))
    assert difference(_drawn(tmp_path, shot)[0], final)[0] == 0


@pytest.mark.slow
def test_a_picture_may_come_to_look_as_it_is_stored(qapp: QApplication, tmp_path: Path) -> None:
    final, _ = _drawn(tmp_path, Shot(QLabel("there")))
    final.save(str(tmp_path / "stored.png"))
    label, looks = QLabel("not yet"), list[bool]()

    def looks_right(image: QImage) -> bool:
        looks.append(looks_as_in(tmp_path / "stored.png", image))
        label.setText("there")
        return looks[-1]

    image, waited = _drawn(tmp_path, Shot(label), looks_right=looks_right, patience=60)
    assert looks == [False, True] and 0 < waited < 60
    assert difference(image, final)[0] == 0
    image, waited = _drawn(tmp_path, Shot(QLabel("other")), looks_right=lambda image: False, patience=0.1)
    assert waited >= 0.1 and difference(image, final)[0]
