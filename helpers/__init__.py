"""What the lessons share: checks of your answers, plots, interactive pictures and data."""
