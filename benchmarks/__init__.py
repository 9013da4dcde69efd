"""What waiting costs, beside what people use today."""
