"""Values of other kinds wherever a notebook has a text, a number or a list."""

import json

def content(notebook):
    strange = [None, True, 1e999, -1, [], {}, [[]], {"a": 1}, "x" * 1000, [1, None, "a"], 10**400]
    cells = [{"cell_type": one, "source": two, "metadata": one, "id": two} for one in strange for two in strange]
    return json.dumps({"nbformat": strange, "nbformat_minor": {}, "metadata": [], "cells": cells + strange}).encode()
