"""Mathematics for methods that train every stage from the base, and merge their changes."""
