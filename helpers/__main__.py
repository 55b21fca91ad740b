"""Let ``python -m helpers`` run the command line."""

from helpers.cli import main

main()
