"""Pages of documents with every element's place known: layouts, what stands on them, samples."""
