"""How domains use what earlier ones learned: capsules (B-CL), a contrast (CLASSIC)."""
