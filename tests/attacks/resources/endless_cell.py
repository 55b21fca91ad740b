"""Never ends in a cell."""

while True:
    pass
