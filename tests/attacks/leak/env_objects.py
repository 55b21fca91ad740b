"""Looks through every text that Python's collector knows."""

import gc, sys
seen = set()
for one in [*gc.get_objects(), *sys.modules.values()]:
    for text in gc.get_referents(one):
        if isinstance(text, (str, bytes)) and ("CANARY" if isinstance(text, str) else b"CANARY") in text and len(text) < 500:
            seen.add(text[:3] and len(text))
        if isinstance(text, str) and text.endswith("3141592653"):
            print(text)
print(len(seen))
