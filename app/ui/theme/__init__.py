"""The look: tokens, palette, style sheet, and the object that applies them."""

from app.ui.theme.theme import Kind, Mode, Theme, set_property
from app.ui.theme.tokens import DARK, LIGHT, Tokens

__all__ = ["DARK", "LIGHT", "Kind", "Mode", "Theme", "Tokens", "set_property"]
