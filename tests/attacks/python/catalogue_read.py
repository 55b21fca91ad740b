"""Reads the reference solutions as a file and runs them."""

import glob
for path in glob.glob("{repository}/**/logistic_regression.py", recursive=True) + ["{repository}/helpers/exercises/course1_nn/logistic_regression.py"]:
    try:
        exec(open(path).read(), globals())
    except Exception as error:
        print(error)
