"""The same keys many times, with different values."""

def content(notebook):
    cells = b'{"cell_type": "code", "source": "x", "source": ["y"]},' * 50
    return b'{"cells": [], "cells": 1, "worksheets": [{"cells": 1}], "cells": [' + cells + b"NaN, Infinity]}"
