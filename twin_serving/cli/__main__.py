"""`twin`, which is also `python -m twin_serving.cli`."""

import gc

from twin_serving.cli.app import load, run


def main() -> None:
    """Run the command that the arguments name.

    What is imported stays for good: to look it through for garbage, meanwhile and at the end, takes
    half of a short command's time.
    """
    gc.disable()
    app = load()
    gc.freeze()
    gc.enable()
    run(app)


if __name__ == "__main__":
    main()
