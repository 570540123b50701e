"""Pictures of tables whose structure, words and numbers are known.

content -> TableContent -> drawing (Pillow) | page (Chromium) -> DrawnTable -> samples
"""
