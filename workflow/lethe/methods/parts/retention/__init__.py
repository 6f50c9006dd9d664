"""Mathematics for methods that keep weights, outputs or examples of earlier stages."""
