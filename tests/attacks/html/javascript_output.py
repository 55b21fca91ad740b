"""Shows JavaScript as an output."""

from IPython.display import Javascript, SVG, display
display(Javascript("window.HACKED = 1"))
display({"image/svg+xml": "<svg onload='window.HACKED = 1'></svg>"}, raw=True)
display({"text/latex": "<script>window.HACKED = 1</script>"}, raw=True)
display({"text/markdown": "<script>window.HACKED = 1</script>"}, raw=True)
