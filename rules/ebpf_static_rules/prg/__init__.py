"""Programs: what their sections make of them, and whether a loader takes them."""
