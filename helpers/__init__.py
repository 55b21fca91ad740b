"""What the lessons share: checks of your answers, plots, interactive pictures and data."""

import sys

# Reading a notebook imports jsonschema, which imports this parser of international web addresses if it is installed.
# Building that takes longer than all else, and no notebook has such an address to be checked.
sys.modules.setdefault("rfc3987_syntax", None)
