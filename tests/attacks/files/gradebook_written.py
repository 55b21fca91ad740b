"""Writes full marks to the gradebook."""

import sqlite3
try:
    with sqlite3.connect("{top}/gradebook.db") as db:
        db.execute("update grade set auto_score = 15, manual_score = 15")
except Exception as error:
    print(error)
open("{top}/gradebook.db", "w").close()
