"""Data for supervised fine-tuning: tags, rules, scores, and the mix of text and pictures."""
