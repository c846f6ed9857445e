"""What is known of finished units, a row a unit: responses, the index, queries, differences."""
