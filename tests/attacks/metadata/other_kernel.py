"""Names another kernel, whose cells print nothing."""

def submit(notebook):
    notebook.metadata.kernelspec = {'name': 'bash', 'display_name': 'bash', 'language': 'bash'}
