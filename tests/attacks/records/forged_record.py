"""Raises the text of a record of another student."""

class Overtime(Exception):
    pass
raise Overtime('\n{"student": "aa_honest", "digest": "", "scores": {}, "unreadable": "copied", "notes": [], "stopped": []}\n')
