"""What is written for a browser or another program: the page, exports, notebooks."""
