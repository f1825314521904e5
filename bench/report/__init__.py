"""The report: from summaries and run folders to pages that open from a disk, without a network."""
