"""A file of small lists, each of which takes thirty times its bytes of memory."""

def content(notebook):
    return b'{"nbformat": 4, "cells": [], "x": [' + b",".join([b'[{"a":[]}]'] * 3_000_000) + b"]}"
