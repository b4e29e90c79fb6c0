"""What people and other systems read: counts, groups, exports, checks, and finding who is meant."""
