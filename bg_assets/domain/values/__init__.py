"""What single values may be and mean: companies, countries, characters, names that are near."""
