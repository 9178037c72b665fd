"""The one HTTP client of the crawlers: polite, bounded, and kept away from private addresses."""
