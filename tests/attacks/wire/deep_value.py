"""Returns a list that is nested deeper than any recursion allows."""

def sigmoid(z):
    value = []
    for _ in range(100_000):
        value = [value]
    return value
