"""Shows HTML with a script, which would run in the page of whoever marks."""

from IPython.display import HTML, display
display(HTML("<script>window.HACKED = 1</script><img src=x onerror='window.HACKED = 1'>"))
