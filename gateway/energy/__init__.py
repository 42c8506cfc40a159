"""What buildings use: from meter readings to figures one can act on. Pure: values in, values out."""
