"""Every picture that is stored looks as it did; tests/README.md says how to renew them."""

from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage

from tests.gallery.compared import PICTURES, SETS, difference, drawn, fault, reduced

RENEW = "If this is meant, look at them and renew them: python -m tests.gallery --renew"


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_it_looks_as_it_did(tmp_path: Path, name: str) -> None:
    faults = []
    for picture in drawn(name, tmp_path / "drawn"):
        found = fault(picture, PICTURES / name / picture.name, tmp_path / "differing" / picture.name)
        faults += [f"{name}, {picture.stem}: {found}"] if found else []
    assert not faults, "\n".join([*faults, "Each shows stored, drawn, difference. " + RENEW])


def test_nothing_else_is_stored() -> None:
    stored = {path.relative_to(PICTURES).with_suffix("").as_posix() for path in PICTURES.rglob("*.png")}
    assert stored == {f"{name}/{scene}" for name, chosen in SETS.items() for scene in chosen.scenes}


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
