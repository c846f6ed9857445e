"""What is drawn on a sheet: mosaics, contact sheets, comparisons, films."""
