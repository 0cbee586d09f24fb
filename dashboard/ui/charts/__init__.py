"""SVG charts that are drawn on the server.

They appear with the first paint, work without scripts, weigh a few kilobytes and can be printed. Selecting a time
range is a small script (`static/js/brush.js`). The templates are `ui/_chart.html` and `ui/_spark.html`. Positions are
SVG attributes, since the content security policy forbids inline styles.
"""

from dashboard.ui.charts.sparkline import Sparkline, build_sparkline
from dashboard.ui.charts.stacked import ChartSeries, StackedChart, build_stacked_chart

__all__ = ["ChartSeries", "Sparkline", "StackedChart", "build_sparkline", "build_stacked_chart"]
