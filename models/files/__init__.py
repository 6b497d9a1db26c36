"""Files beside the engine: what lies at a path, what goes wrong with it, and how it is written whole."""
