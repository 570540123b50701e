"""Operates real screens with a model: browsers and Android devices, recorded and bounded."""
