"""Returns lists in lists, wide and deep."""

def sigmoid(z):
    value = [0.5]
    for _ in range(12):
        value = [value, value]
    return value
