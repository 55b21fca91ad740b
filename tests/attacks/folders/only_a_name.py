"""No notebook of the released name, and one whose name is markup."""

def raw(notebook, folder):
    (folder / "<script>window.HACKED=1<").mkdir()
    (folder / "<script>window.HACKED=1<" / "script>.ipynb").write_bytes(b"no notebook")
