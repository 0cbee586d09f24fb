"""The baseline: Django REST framework with nothing but its own features.

It has a ModelSerializer, `many=True`, `bulk_create`, and indexes for the same filters. It keeps no history, merges
nothing and does not preserve JSON texts, so every comparison favors the baseline.
"""
