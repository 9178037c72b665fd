"""The online half: from a question to a cited answer."""
