"""From the web, exports and folders to raw documents."""
