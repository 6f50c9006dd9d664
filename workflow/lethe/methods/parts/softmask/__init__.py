"""Gates, importances and soft masks for an encoder's units (Ke et al. 2023, Eq. 2-7)."""
