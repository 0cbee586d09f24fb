"""The baseline: what Django REST framework gives for the same objects with nothing but its own means.

A ModelSerializer, `many=True`, `bulk_create`, and the same indexes on the same filters. It keeps no history,
merges nothing and stores values as it can, so every comparison with it flatters the baseline.
"""
