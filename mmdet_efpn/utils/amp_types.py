"""Names of the types that autocast computes in; free of torch, for command lines that start fast."""

AMP_TYPES = ('bfloat16', 'float16')
AUTO = 'auto'  # whichever fits the device
