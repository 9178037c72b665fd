"""`twin`, which is also `python -m twin_serving.cli`."""

import gc
import sys

from twin_assets.errors import TwinError


def main() -> None:
    """Run the command that the arguments name.

    What is imported stays for good: to look it through for garbage, meanwhile and at the end, takes
    half of a short command's time.
    """
    gc.disable()
    try:
        from twin_serving.cli.app import main as run
    except TwinError as error:  # a setting, which the Dagster definitions read as they are imported
        sys.exit(f"twin: {error}")
    gc.freeze()
    gc.enable()
    run()


if __name__ == "__main__":
    main()
