"""What a detector costs: parameters, multiply-adds, time and memory."""
