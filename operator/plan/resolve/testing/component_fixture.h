// Components and steps for the tests of what a run is resolved to. For tests only.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "operator/plan/resolve/testing/spec_fixture.h"

namespace penstock::plan {

inline api::Component Component(const std::string& yaml) {
  const Json spec = Yaml(yaml);
  Json object{
      {"apiVersion", api::kApiVersion},
      {"kind", "Component"},
      {"metadata",
       {{"name", spec["name"].get<std::string>() + "-" + spec["version"].get<std::string>()}}},
      {"spec", spec}};
  auto decoded = api::DecodeComponent(object);
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  return decoded.value;
}

inline std::string Train(const std::string& version, const std::string& extra = "") {
  return "name: train\nversion: " + version +
         "\ninputs: [{name: train, type: dataset}, {name: prior, type: model, optional: true}]\n"
         "outputs: [{name: model, type: model}]\n"
         "parameters: [{name: epochs, type: integer, default: 10, minimum: 1}, "
         "{name: label, type: string}]\n"
         "results: [{name: loss, type: number}]\ncodeVersion: \"7\"\n"
         "container: {image: \"i:1\", launcher: InImage, command: [train]}\n" +
         extra;
}

inline Surroundings With(std::vector<api::Component> components) {
  Surroundings around;
  around.components = [components](const std::string& name, bool) {
    std::vector<api::Component> out;
    for (const auto& c : components)
      if (c.spec.name == name) out.push_back(c);
    return out;
  };
  return around;
}

// The errors of a spec as "path: message".
inline std::vector<std::string> Errors(const std::string& yaml, const Surroundings& around = {},
                                       const std::map<std::string, Json>& given = {}) {
  auto decoded = api::DecodePipelineSpec(Yaml(yaml), "spec");
  std::vector<std::string> out;
  for (const auto& e : Resolve("p", decoded.value, given, around).errors)
    out.push_back(e.path + ": " + e.message);
  return out;
}

inline std::string Step(const std::string& name, const std::string& rest = "") {
  return "- {name: " + name + ", container: {image: i, command: [run]}" +
         (rest.empty() ? "" : ", " + rest) + "}\n";
}

inline const std::string kSource =
    "- {name: make, container: {image: i, command: [make]}, "
    "outputs: [{name: data, type: dataset}], "
    "results: [{name: rows, type: integer}]}\n";

inline std::string TrainStep(const std::string& rest) {
  return "- {name: fit, component: {name: train, version: \"1\"}, " + rest + "}\n";
}

}  // namespace penstock::plan
