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
  // The line of the path, or of its nearest parent that has one; 0 when none.
  [[nodiscard]] int LineOf(const std::string& path) const;
};

// Every document of the text ("---" between them; empty ones are left out; a List kind is opened).
// YAML 1.1 scalars as Kubernetes' YAML reader takes them (yes/no stay strings as sigs.k8s.io/yaml
// v1.4 does for plain on/off? see manifest_test.cc), merge keys and anchors followed, duplicate
// keys and aliases that blow up refused. The error names `source` and the line.
[[nodiscard]] Result<std::vector<ManifestDocument>> ParseManifests(const std::string& text,
                                                                   const std::string& source);

}  // namespace penstock::api
