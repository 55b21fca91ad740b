"""Shows a picture whose data ends the attribute that holds it."""

from IPython.display import display
display({"image/png": "x\"><script>window.HACKED = 1</script>", "text/plain": "<script>window.HACKED = 1</script>"}, raw=True)
