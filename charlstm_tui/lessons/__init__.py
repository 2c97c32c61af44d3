"""Lessons: what a student does in the app, step by step, and the questions on what came out."""
