"""What the measuring scripts share: processes that are always cleaned up, clusters, figures, tables."""
