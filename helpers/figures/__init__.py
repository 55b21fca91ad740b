"""Figures that take too long for a lesson: scripts that measure, print the numbers and write the PNG (instructors)."""
