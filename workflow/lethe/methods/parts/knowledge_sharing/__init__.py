"""How domains use what earlier ones have learned: capsules (B-CL), a contrast (CLASSIC)."""
