"""The offline half: from raw documents to an index, as Dagster assets partitioned by author."""
