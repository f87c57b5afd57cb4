"""The judge's bench: error rates, power, promises and alarms, beside the rules that others judge by."""
