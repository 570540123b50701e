"""The layouts in which benchmarks are published: rows out of files, pictures out of rows.

Rows come one after another, each with the words that name it in an error; nothing larger than a
stated bound is held in memory.
"""
