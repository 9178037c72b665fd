"""Online: from a question to a cited answer."""
