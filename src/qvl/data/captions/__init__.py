"""Long captions of long videos, from captions of their parts."""
