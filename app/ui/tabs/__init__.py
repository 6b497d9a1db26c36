"""The five tabs of an open file, with their dialogs: a module or a folder each."""
