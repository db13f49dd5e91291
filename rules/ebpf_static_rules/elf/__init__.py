"""The container: sections, symbols and what a loader needs of them."""
