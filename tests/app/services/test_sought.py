"""What a search finds in a text, and where."""

import pytest

from app.services.sought import places_in, sought


@pytest.mark.parametrize(
    ("stored", "wanted", "places"),
    [
        ("İstanbul, ISTANBUL, istanbul", "istanbul", ["İstanbul", "ISTANBUL", "istanbul"]),
        ("I\u0307STANBUL ist\u0307anbul", "İstanbul", ["I\u0307STANBUL"]),
        ("Iğdır, IĞDIR", "ığdır", ["Iğdır", "IĞDIR"]),
        ("die Straße: STRASSE, STRAẞE", "strasse", ["Straße", "STRASSE", "STRAẞE"]),
        ("\N{KELVIN SIGN}k", "k", ["\N{KELVIN SIGN}", "k"]),
        ("Congreſs", "ss", ["ſs"]),
        ("3 \N{MICRO SIGN}m", "\N{GREEK SMALL LETTER MU}m", ["\N{MICRO SIGN}m"]),
        ("ﬁne fine", "fi", ["ﬁ", "fi"]),
        ("I\u0307", "İ", ["I\u0307"]),
        ("ß", "ss", ["ß"]),
        ("ßaıI", "i", ["ı", "I"]),
        ("x", "", []),
    ],
)
def test_a_search_marks_what_it_finds_in_its_own_letters(stored: str, wanted: str, places: list[str]) -> None:
    found = places_in(stored, sought(wanted))
    assert [stored[begin:end] for begin, end in found] == places


@pytest.mark.parametrize("unit", ["Der Plan für das nächste Quartal ist größer. ", "α "])
def test_a_text_is_not_folded_again_for_each_place_that_is_marked_in_it(
    unit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, fold, read = unit * 300, sought, list[int]()

    def counted(part: str) -> str:
        read.append(len(part))
        return fold(part)

    monkeypatch.setattr("app.services.sought.sought", counted)
    found = places_in(stored, fold(unit[0]))
    assert len([*found]) >= 300
    assert sum(read) < 20 * len(stored)  # behind ß some more: not half of it for each of 300 places
