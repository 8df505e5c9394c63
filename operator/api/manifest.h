// Manifests: YAML (or JSON) text to JSON objects, as kubectl reads it, with the line of each value.
// The one YAML-to-JSON function of the project; tested against `kubectl create --dry-run=client`.
// Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::api {

struct ManifestDocument {
  Json object;
  // Line (from 1) of each value, by field path as FieldError writes it:
  // "spec.steps[2].inputs.train".
  std::map<std::string, int> lines;
  // What the file says where YAML reads something else than that text: "y" (true), "02138" (2138).
  // By the path of the value, and by the path that a name got.
  std::map<std::string, std::string> written;
  std::map<std::string, std::string> written_names;
  // Whole numbers that lose digits, as kubectl loses them (base/whole_number.h), by their path.
  std::map<std::string, std::string> rounded = {};
  // The line of the path, or of its nearest parent that has one; 0 when none.
  [[nodiscard]] int LineOf(const std::string& path) const;
};

// Every document of the text ("---" between them; empty ones are left out; kind List is opened).
//
// Scalars have the types that kubectl gives them: YAML 1.1, so yes/no, on/off and y/n are booleans,
// 0777 is 511, 1_000 is 1000; dates stay strings; 1.0 is 1 (yaml/yaml_scalar.h;
// testdata/scalars.yaml). Anchors and merge keys are followed. Stricter than kubectl: a key said
// twice is an error. .inf and .nan, aliases that blow up and tabs as indentation are refused. The
// error names `source` and line. With `wrong` the other documents of a text are given where one
// cannot be read, and what is wrong with that one, each with source and line, is appended; text
// that is no YAML is an error all the same.
[[nodiscard]] Result<std::vector<ManifestDocument>> ParseManifests(
    const std::string& text, const std::string& source, std::vector<Error>* wrong = nullptr);

}  // namespace penstock::api
