"""Names that scripts import from the v1 wire layer; there is no such layer here."""
