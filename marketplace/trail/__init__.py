"""The trail: the audit chain as a tree whose signed checkpoints are held outside, so that no rewriting stays unseen."""
