// Builders for the tests of the plans: values, specs and resolved runs from YAML.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "operator/api/codec.h"
#include "operator/api/manifest.h"
#include "operator/base/json.h"
#include "operator/plan/resolve/resolve.h"

namespace penstock::plan {

using namespace std::chrono_literals;  // NOLINT: tests only

inline const TimePoint kNoon = *ParseTime("2026-11-21T12:00:00Z");
inline const std::string kPinned = "registry.example.com/tool@sha256:" + std::string(64, '1');

inline std::string Digest(char c) { return "sha256:" + std::string(64, c); }

inline Json Yaml(const std::string& text) {
  auto docs = api::ParseManifests(text, "test");
  EXPECT_TRUE(docs) << (docs ? "" : docs.error().message);
  return docs && !docs->empty() ? docs->front().object : Json();
}

inline api::PipelineSpec Spec(const std::string& yaml) {
  auto decoded = api::DecodePipelineSpec(Yaml(yaml), "spec");
  EXPECT_TRUE(decoded.errors.empty()) << api::Describe(decoded.errors);
  return std::move(decoded.value);
}

inline ResolvedRun MustResolve(const std::string& yaml,
                               const std::map<std::string, Json>& given = {},
                               const Surroundings& around = {}) {
  auto r = Resolve("p", Spec(yaml), given, around);
  EXPECT_TRUE(r.run) << api::Describe(r.errors);
  return r.run.value_or(ResolvedRun{});
}

// A library that has git; `local`: of a local run.
inline Surroundings AroundGit(bool local = false) {
  Surroundings around;
  around.local = local;
  around.components = [](const std::string& name, bool library) {
    std::vector<api::Component> found;
    if (name != "git" || !library) return found;
    api::Component git;
    git.meta.name = "git-1.0.0";
    git.spec.name = "git";
    git.spec.version = "1.0.0";
    git.spec.code_version = "1";
    git.spec.outputs = {{"folder", "file", false, ""}, {"file", "file", true, ""}};
    git.spec.results = {{"commit", api::ValueType::kString, ""}};
    git.spec.container.image = "penstock/git";
    git.spec.container.launcher = "InImage";
    git.spec.container.command = {"penstock-git"};
    git.spec.resources = Json::parse(R"({"limits": {"memory": "512Mi"}})");
    found.push_back(git);
    return found;
  };
  return around;
}

}  // namespace penstock::plan
