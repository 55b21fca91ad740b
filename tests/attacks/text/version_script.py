"""A version of the notebook format that is a script."""

import json

def content(notebook):
    script = "<script>window.HACKED=1</script>"
    return json.dumps({"nbformat": script, "nbformat_minor": "<img src=x onerror=window.HACKED=1>", "cells": []}).encode()
