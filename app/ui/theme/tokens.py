"""Every colour of the program, once for light and once for dark."""

from dataclasses import asdict, dataclass

from app.itemmodels.roles import Tone


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours as `#rrggbb`.

    A name ending in `_on` is the tint behind text of the name without it. Text on any surface of its theme
    reaches a contrast of 4.5:1 (WCAG 2.2, 1.4.3); a test computes it.
    """

    window: str
    panel: str
    alternate: str
    line: str
    edge: str
    text: str
    dim: str
    disabled: str
    accent: str
    accent_hover: str
    accent_press: str
    accent_on: str
    on_accent: str
    selection: str
    hover: str
    press: str
    neutral_on: str
    ok: str
    ok_on: str
    warn: str
    warn_on: str
    bad: str
    bad_on: str
    bad_hover: str
    on_bad: str
    scroll: str
    scroll_hover: str
    tip: str
    on_tip: str

    def tone(self, tone: Tone) -> str:
        """The text and icon colour of a tone."""
        return self.text if tone is Tone.NEUTRAL else str(getattr(self, tone.value))

    def tint(self, tone: Tone) -> str:
        """The surface colour behind a tone."""
        return str(getattr(self, f"{tone.value}_on"))

    def as_dict(self) -> dict[str, str]:
        """Token names and colours, for filling in a style sheet."""
        return asdict(self)


LIGHT = Tokens(
    window="#f6f7f9",
    panel="#ffffff",
    alternate="#fafbfc",
    line="#e3e6eb",
    edge="#ccd2db",
    text="#1c2330",
    dim="#606a7e",
    disabled="#9aa3b2",
    accent="#2563e0",
    accent_hover="#1d57cc",
    accent_press="#174ab3",
    accent_on="#e8f0fe",
    on_accent="#ffffff",
    selection="#e8f0fe",
    hover="#f1f3f6",
    press="#e6e9ee",
    neutral_on="#eef0f4",
    ok="#117756",
    ok_on="#e3f6ee",
    warn="#926200",
    warn_on="#fff4d6",
    bad="#c4320a",
    bad_on="#fdecea",
    bad_hover="#a92906",
    on_bad="#ffffff",
    scroll="#c8cdd6",
    scroll_hover="#9aa3b2",
    tip="#1c2330",
    on_tip="#f6f7f9",
)

DARK = Tokens(
    window="#16181d",
    panel="#1d2026",
    alternate="#20242b",
    line="#2d323b",
    edge="#3d444f",
    text="#e6e9ef",
    dim="#98a2b3",
    disabled="#5f6877",
    accent="#6ea0ff",
    accent_hover="#8ab2ff",
    accent_press="#5a8df0",
    accent_on="#22304d",
    on_accent="#0e1420",
    selection="#263556",
    hover="#262b33",
    press="#2f353f",
    neutral_on="#2a2f38",
    ok="#4cc38a",
    ok_on="#16352a",
    warn="#e2b340",
    warn_on="#3a2f12",
    bad="#ff8367",
    bad_on="#43201a",
    bad_hover="#ff9b84",
    on_bad="#1c0d09",
    scroll="#3d444f",
    scroll_hover="#5f6877",
    tip="#3a414d",
    on_tip="#e6e9ef",
)
