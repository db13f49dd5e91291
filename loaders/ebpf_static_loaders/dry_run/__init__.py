"""The ``dry-run`` loader: every call a load would make, on any host, and none of them made."""
