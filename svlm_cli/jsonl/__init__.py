"""Files of JSON objects, one a line: read strictly, and appended to by one writer."""
