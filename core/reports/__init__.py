"""Reports: results as plain records, and what they mean."""
