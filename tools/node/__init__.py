"""What `sensornett node` does: boards on a cable, a bench's work list, the site's paper."""
