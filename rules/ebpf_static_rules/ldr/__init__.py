"""Rules about what the library that loads an object has not, where another has."""
