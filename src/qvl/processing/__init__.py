"""Pixels and text in, model inputs out; numpy, never torch.

sources, image, video (frame_sampling)  files and pictures -> uint8 pixels, resized
patches                                 pixels -> rows of `pixel_values`
tokenizer, chat_template, positions     text and grids -> token ids and M-RoPE positions
processor                               all of it: Conversation -> ModelInputs
"""
