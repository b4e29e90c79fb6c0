"""What a job title says: function, level, and how sure that is."""
