"""Charts with questions, tables, captions and boxes that are exact by construction.

topics, series -> ChartData -> matplotlib_chart | seaborn_chart | plotly_chart -> DrawnChart
    -> questions, descriptions -> samples
"""
