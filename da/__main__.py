"""Run the command line as `python -m da`."""

from da.cli.main import main

if __name__ == "__main__":
    main()
