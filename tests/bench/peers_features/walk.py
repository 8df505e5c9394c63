"""Looks through parsed manifests: what the detectors of every peer share."""
import yaml


def documents(path):
    """The objects of a YAML file, without empty ones."""
    return [d for d in yaml.load_all(path.read_text(), Loader=yaml.SafeLoader) if isinstance(d, dict)]


def dicts(value):
    """Every mapping in a value, itself included, outer ones first."""
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from dicts(item)
    elif isinstance(value, list):
        for item in value:
            yield from dicts(item)


def texts(value):
    """Every string in a value; of mappings their values only."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def has(value, *keys):
    """Whether any mapping in it has one of the keys, with something under it."""
    return any(d.get(k) not in (None, "", [], {}) for d in dicts(value) for k in keys)


def says(value, pattern):
    """Whether a string in it matches the compiled pattern somewhere."""
    return any(pattern.search(t) for t in texts(value))
