"""``python -m synarray`` is the ``synarray`` command."""

from synarray.cli.app import main

if __name__ == "__main__":
    main()
