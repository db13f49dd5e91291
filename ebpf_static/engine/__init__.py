"""Chooses rules, runs them and collects what they say."""
