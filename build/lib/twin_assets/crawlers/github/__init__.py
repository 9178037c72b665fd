"""Repositories: GitHub's over its API, local folders and tarballs, one document a file."""
