"""Questions to providers of outside data: the cache of their answers, the bill, who may ask now."""
