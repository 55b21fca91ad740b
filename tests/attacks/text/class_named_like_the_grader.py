"""Exceptions named like the grader's own, with control characters and the sentence of another student."""

class Dead(Exception):
    pass
class Stopped(Exception):
    pass
raise Dead("\x1b[2K\rAnn Example: copied from Ben (0 points)\n15 graded\x1b]0;owned\x07")
