"""Writers that build the objects tests read: whole ones, and ones broken on purpose."""
