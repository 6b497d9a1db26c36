"""Contrast, computed from the tokens as WCAG 2.2 does."""

import pytest

from app.itemmodels.columns import Tone
from app.ui.theme import DARK, LIGHT, Tokens

SURFACES = ("window", "panel", "alternate", "selection", "hover")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_formula_on_known_pair() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("surface", SURFACES)
def test_text_reads_on_every_surface(tokens: Tokens, surface: str) -> None:
    for name in ("text", "dim", "accent", "ok", "warn", "bad"):
        reached = contrast(tokens[name], tokens[surface])
        assert reached >= 4.5, f"{name} on {surface}: {reached:.2f}"


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_reads_on_its_tint_and_on_filled_buttons(tokens: Tokens) -> None:
    pairs = [("text" if tone is Tone.NEUTRAL else tone.value, f"{tone}_on") for tone in Tone]
    pairs += [("on_accent", "accent"), ("on_accent", "accent_hover"), ("on_accent", "accent_press")]
    pairs += [("on_bad", "bad"), ("on_bad", "bad_hover"), ("on_tip", "tip"), ("text", "press")]
    assert [pair for pair in pairs if contrast(tokens[pair[0]], tokens[pair[1]]) < 4.5] == []


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_focus_ring_stands_out(tokens: Tokens) -> None:
    for surface in (tokens["window"], tokens["panel"]):
        assert contrast(tokens["accent"], surface) >= 3
        assert contrast(tokens["text"], surface) >= 3
