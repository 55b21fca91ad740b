"""Closes the connection in the middle."""

import os
def sigmoid(z):
    os.closerange(3, 256)
    return 0.5
