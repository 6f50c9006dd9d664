"""Mathematics and modules that several methods share; no method lies here."""
