"""`python -m twin_serving.cli` is `twin`."""

from twin_serving.cli import main

main()
