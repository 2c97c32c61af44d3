"""Inspection: what the gates and cells of a model do."""
