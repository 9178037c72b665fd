"""Export archives of Medium and LinkedIn, read without unpacking them to disk."""
