"""Takes as long as an input is large."""

import time
def sigmoid(z):
    time.sleep(abs(hash(repr(z))) % 1000 / 2000)
    return 0
