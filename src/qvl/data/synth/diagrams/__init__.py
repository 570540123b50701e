"""Relational diagrams whose nodes and edges are known: flow charts, trees, networks, Venn diagrams.

topics -> Graph -> graphviz -> DrawnGraph -> questions, descriptions -> samples
"""
