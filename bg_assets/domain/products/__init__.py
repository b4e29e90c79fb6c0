"""What a product needs of a company's people: templates, and how many people make a group."""
