"""MiniWoB++: small web tasks in a real browser, scored by the pages themselves.

Source: Liu et al. 2018, Reinforcement Learning on Web Interfaces using Workflow-Guided Exploration
(arXiv 1802.08802); package ``miniwob`` of the Farama Foundation, MIT licence.
"""
