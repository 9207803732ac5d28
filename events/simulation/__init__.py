"""Realistic demo traffic, played through the real API (manage.py simulate)."""
