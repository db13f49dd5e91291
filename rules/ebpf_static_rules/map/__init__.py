"""Maps: whether their declarations are whole, and mean something on the platform."""
