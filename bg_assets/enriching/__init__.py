"""Asking providers about companies and writing what they saw: for assets and commands alike."""
