"""What the scripts of this folder share: the rows of a request as the frame that a user of pandas has.

A script is called with the servers' addresses (HTTP's, gRPC's) and has the rows, a list of objects of JSON, on its standard
input; {"float": "nan"} stands for such a number. It prints a list of probabilities, or one text: why not.
"""
import json
import sys

import pandas


def read():
    """(HTTP's URL, gRPC's address, DataFrame)"""
    rows = json.load(sys.stdin, object_hook=lambda o: float(o["float"]) if set(o) == {"float"} else o)
    return sys.argv[1], sys.argv[2], pandas.DataFrame(rows)
