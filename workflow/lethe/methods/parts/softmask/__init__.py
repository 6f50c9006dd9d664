"""Gates, importances and soft masks of an encoder's units (Ke et al. 2023, Eq. 2-7)."""
