"""Prints what a terminal obeys: titles, deleted lines, hyperlinks, clipboard."""

print("\x1b]0;owned\x07\x1b[2K\x1b[1A\r15 graded\x1b]8;;http://127.0.0.1:9\x07x\x1b]52;c;b3duZWQ=\x07\x9b2K\x08\x08")
raise RuntimeError("\x1b]0;owned\x07 \x9b2K")
