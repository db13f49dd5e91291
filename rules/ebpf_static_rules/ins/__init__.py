"""Instructions: encodings and control flow no verifier accepts."""
