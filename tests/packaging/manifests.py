#!/usr/bin/env python3
"""Reads Kubernetes manifests for the tests.

usage: manifests.py json FILE...     prints the documents of the files as one JSON array
       manifests.py check FILE...    compares each document with the model of its kind in the Kubernetes client for Python

check prints each field that the kind does not have, each value of a wrong type, and each object without a field that it must have; and then
"N documents, N wrong". It exits with 1 when something is wrong. Files of kustomize have no model, and are not for check.
"""
import json
import re
import sys

import yaml

SCALARS = {"str": str, "int": int, "bool": bool, "float": (int, float), "object": object}


def documents(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            yield from (document for document in yaml.safe_load_all(file) if document)


def model_of(document, models):
    """The name of the model of a document: V1Service for v1, V1StatefulSet for apps/v1. The client knows autoscaling/v2 by its last beta."""
    version = document["apiVersion"].split("/")[-1]
    names = [f"{prefix}{document['kind']}" for prefix in (version.capitalize(), f"{version.capitalize()}beta2")]
    return next((name for name in names if hasattr(models, name)), None)


class Checker:
    def __init__(self, models):
        self.models, self.wrong = models, []

    def report(self, place, what):
        self.wrong.append(f"{place}: {what}")

    def check(self, value, kind, place):
        """What the client would make of the value, as far as its models need it."""
        if many := re.fullmatch(r"list\[(.*)\]", kind):
            return self.check_list(value, many.group(1), place)
        if table := re.fullmatch(r"dict\(str, (.*)\)", kind):
            return self.check_table(value, table.group(1), place)
        if kind in SCALARS:
            if not isinstance(value, SCALARS[kind]) or (kind == "int" and isinstance(value, bool)):
                self.report(place, f"{value!r} is no {kind}")
            return value
        return self.check_object(value, getattr(self.models, kind), place)

    def check_list(self, value, kind, place):
        if not isinstance(value, list):
            self.report(place, f"{value!r} is no list")
            return []
        return [self.check(one, kind, f"{place}[{index}]") for index, one in enumerate(value)]

    def check_table(self, value, kind, place):
        if not isinstance(value, dict):
            self.report(place, f"{value!r} is no table")
            return {}
        return {name: self.check(one, kind, f"{place}.{name}") for name, one in value.items()}

    def check_object(self, value, model, place):
        if not isinstance(value, dict):
            self.report(place, f"{value!r} is no {model.__name__}")
            return None
        attributes = {name: attribute for attribute, name in model.attribute_map.items()}
        given = {}
        for name, one in value.items():
            if name in attributes:
                given[attributes[name]] = self.check(one, model.openapi_types[attributes[name]], f"{place}.{name}")
            else:
                self.report(place, f"{model.__name__} has no field {name}")
        try:
            return model(**given)
        except ValueError as error:  # a field that must be there is missing
            self.report(place, str(error))
            return None


def check(paths):
    from kubernetes.client import models  # pylint: disable=import-outside-toplevel
    checker, count = Checker(models), 0
    for document in documents(paths):
        count += 1
        place = f"{document['kind']}/{document['metadata']['name']}"
        model = model_of(document, models)
        if model is None:
            checker.report(place, f"no model of {document['apiVersion']}")
        else:
            checker.check(document, model, place)
    print("\n".join([*checker.wrong, f"{count} documents, {len(checker.wrong)} wrong"]))
    return 1 if checker.wrong or not count else 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in ("json", "check"):
        sys.exit(__doc__)
    if sys.argv[1] == "check":
        sys.exit(check(sys.argv[2:]))
    print(json.dumps(list(documents(sys.argv[2:]))))
