"""What a chart shows, as a person reads it: from what is drawn, and from nothing else."""

from charlstm_tui.widgets.loss_chart import LossChart


def picture(chart: LossChart) -> list[str]:
    """Return the rows of a chart."""
    return [chart.render_line(row).text for row in range(chart.size.height)]
