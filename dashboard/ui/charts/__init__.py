"""Pictures of numbers, drawn on the server: values that templates/ui/_chart.html and _spark.html make SVG of.

They are there with the first paint and without scripts, weigh a few kilobytes, and print; choosing a span of time,
which a plotting library would add, is a small script (static/js/brush.js). Positions are SVG attributes.
"""

from dashboard.ui.charts.sparkline import Sparkline, build_sparkline
from dashboard.ui.charts.stacked import ChartSeries, StackedChart, build_stacked_chart

__all__ = ["ChartSeries", "Sparkline", "StackedChart", "build_sparkline", "build_stacked_chart"]
