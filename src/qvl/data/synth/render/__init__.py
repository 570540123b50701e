"""Pages of HTML as pictures with exact measures, drawn by Chromium without a network."""
