"""Days on which the offices of the city, or of one district, work otherwise than the State Council's calendar says."""
