"""JSON in which lists are in lists, a hundred thousand deep."""

def content(notebook):
    return b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
