"""Hooks the import of modules to hand out its own."""

import sys, types
class Hook:
    def find_spec(self, name, path=None, target=None):
        print("import of", name)
        return None
sys.meta_path.insert(0, Hook())
sys.modules["helpers.checks"] = types.SimpleNamespace(lesson=lambda name: (lambda function: None))
