"""Alerts: which there are, when one is raised and over, whom to tell when, and in which words."""
