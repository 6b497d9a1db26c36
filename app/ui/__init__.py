"""The interface: the window, its tabs, and the widgets and the theme that they are made of."""

from app.overrides import guard

guard()
