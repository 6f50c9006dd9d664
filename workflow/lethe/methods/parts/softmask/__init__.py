"""Gates, importances and soft masks for a network's units (Ke et al. 2023, Eq. 2-7)."""
