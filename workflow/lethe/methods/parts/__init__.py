"""Mathematics and modules shared by several methods; no method is defined here."""
