"""Videos drawn with their events, whose times are exact by construction."""
