"""What all tabs share: their anatomy, from a declaration to a table, and their acts."""
