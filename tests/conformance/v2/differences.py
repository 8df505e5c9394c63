"""Where other servers do otherwise, and why the rule is right. `run` fails when a peer differs elsewhere, or no more here."""

DIFFERENCES = {
    "triton": set("""
        allow unknown_compression no_json no_object invalid_utf8 no_inputs inputs_no_list data_short data_long data_text
        data_numeric_text data_null data_boolean data_objects data_nested_otherwise data_nan data_1e400 no_shape no_datatype no_name
        negative_dimension fraction_dimension huge_dimension integer_id size_negative size_text load_unknown statistics""".split()),
    "kserve": set("""
        model_metadata unknown_version unknown_path keep_alive gzip_request gzip_answer broken_gzip unknown_compression as_described
        unknown_output no_nulls no_json empty_body no_object invalid_utf8 no_inputs empty_inputs inputs_no_list data_short data_long
        data_text data_numeric_text data_null data_boolean data_objects data_ragged data_nested_otherwise data_nan data_1e400 no_data
        no_shape no_datatype no_name wrong_name wrong_datatype wrong_width wrong_rank negative_dimension fraction_dimension
        huge_dimension overflowing_dimensions input_twice input_extra integer_id deep_json binary_out binary_out_one binary_both
        binary_raw blob_short blob_long size_short size_negative size_huge size_text header_no_number data_twice index load_unknown
        statistics""".split()),
    "mlserver": set("""
        model_metadata unknown_path keep_alive broken_gzip unknown_compression as_described echo_id unknown_output no_json empty_body
        no_object invalid_utf8 no_inputs empty_inputs inputs_no_list data_short data_long data_text data_numeric_text data_null
        data_boolean data_objects data_ragged data_nested_otherwise data_nan data_1e400 no_data no_shape no_datatype no_name wrong_name
        wrong_datatype unknown_datatype fp16_json wrong_width wrong_rank negative_dimension fraction_dimension huge_dimension
        overflowing_dimensions input_twice input_extra integer_id deep_json binary_in binary_out binary_out_one binary_both binary_raw
        blob_short blob_long size_short size_negative size_huge size_text header_beyond header_negative header_no_number raw_short
        data_twice statistics""".split()),
}

CLIENT = "No repetition makes this request right, so it is the client's fault: a 5xx sets off retries and alerts. The body must be the protocol's {\"error\"}."
GUESSED = "A 200 is a prediction for data that the client did not send; nobody learns of it."
SCHEMA = "The protocol's schema asks for it; the protocol's error is a status \"typically 400\" with {\"error\"}, not a framework's {\"detail\"}."
EXTENSION = "The extension for binary tensors; KServe's SDK lists it in its metadata, MLServer does not have it."
MEMORY = "The product of the dimensions must be checked before it is used: unchecked, it ends a process that serves everybody."

WHY = {
    "model_metadata": "Clients build requests from it. In the SDKs it is left to the author of the model class.",
    "as_described": "As above: what is described must be what comes.",
    "unknown_version": "What the server does not have is not found; 501 says that it may never serve versions at all.",
    "unknown_path": "Every error of the protocol has the body {\"error\"}; one parser serves the client.",
    "allow": "RFC 9110 15.5.6: a 405 must have Allow.",
    "keep_alive": "A refused request says nothing about the next one of the connection; closing it costs a proxy's other users their connection.",
    "gzip_request": "Bodies of numbers shrink to a third; Triton, TensorFlow Serving and MLServer take it.",
    "gzip_answer": "The client asked for it, and the answer is of several kilobytes.",
    "broken_gzip": CLIENT,
    "unknown_compression": "RFC 9110 8.4 and 15.5.16: 415 is for an encoding that the server does not take; 422 or 501 do not tell the client so.",
    "echo_id": "The id is any JSON string; Hangul ended in a 500.",
    "unknown_output": GUESSED + " In the SDKs it is left to the author of the model class.",
    "no_nulls": "A field whose type is string or object cannot be null in a typed client.",
    "no_json": CLIENT, "empty_body": CLIENT, "no_object": CLIENT,
    "invalid_utf8": "RFC 8259 8.1: JSON between systems is UTF-8; an error that repeats the bytes is itself no JSON.",
    "no_inputs": SCHEMA, "empty_inputs": CLIENT, "inputs_no_list": SCHEMA, "no_data": SCHEMA, "no_shape": SCHEMA, "no_datatype": SCHEMA,
    "no_name": SCHEMA, "integer_id": SCHEMA, "unknown_datatype": SCHEMA, "fraction_dimension": SCHEMA,
    "data_short": CLIENT, "data_long": CLIENT, "data_text": CLIENT, "data_objects": CLIENT, "data_ragged": CLIENT, "data_1e400": CLIENT,
    "data_numeric_text": GUESSED, "data_null": GUESSED, "data_boolean": GUESSED,
    "data_nested_otherwise": "The protocol knows two forms, flat and nested as the shape. A third is a mistake, most often of transposed axes: " + GUESSED,
    "data_nan": "RFC 8259 6: JSON has no NaN. " + GUESSED,
    "wrong_name": GUESSED, "wrong_rank": GUESSED, "input_twice": GUESSED, "input_extra": GUESSED,
    "wrong_datatype": CLIENT, "fp16_json": CLIENT, "wrong_width": CLIENT,
    "negative_dimension": "A dimension is unsigned in the schema; numpy's -1 means something else. " + CLIENT,
    "huge_dimension": MEMORY, "overflowing_dimensions": MEMORY,
    "deep_json": SCHEMA,
    "binary_in": EXTENSION, "binary_out": EXTENSION, "binary_out_one": EXTENSION, "binary_both": EXTENSION, "binary_raw": EXTENSION,
    "blob_short": CLIENT, "size_short": CLIENT, "size_negative": CLIENT, "size_text": CLIENT, "header_beyond": CLIENT,
    "header_negative": CLIENT, "header_no_number": CLIENT, "raw_short": CLIENT,
    "blob_long": "Bytes that belong to no tensor are a mistake of the client's: " + GUESSED,
    "size_huge": "The stated size is not that of the blob: " + GUESSED,
    "data_twice": "The extension: data and binary_data_size exclude each other; the server cannot know which one was meant.",
    "index": "The extension for the model repository; KServe's SDK does not have it, MLServer does.",
    "load_unknown": "What the client names does not exist, or may not be loaded: its fault, which no repetition cures; a 503 says try again.",
    "statistics": "The extension for statistics. Triton counts a request only once it has passed its validation, so its refusals are in no counter.",
}
