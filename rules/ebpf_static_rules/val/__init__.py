"""Rules about what is in map values, and about which programs may use which maps."""
