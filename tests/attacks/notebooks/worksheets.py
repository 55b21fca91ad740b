"""An old format with worksheets that are none."""

def content(notebook):
    sheet = b'{"cells": [{"cell_type": "code", "input": ["def sigmoid(z):", 1, null]}]}'
    return b'{"nbformat": 3, "worksheets": [' + sheet + b', {"cells": {}}, 7]}'
