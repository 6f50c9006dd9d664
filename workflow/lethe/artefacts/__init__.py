"""Files that hold results: written whole, read strictly, named by digests."""
